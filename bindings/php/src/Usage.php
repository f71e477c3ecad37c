<?php

declare(strict_types=1);

namespace Thinkwire;

use FFI\CData;

/** Tokens and cost; null for what the server did not report. */
final class Usage
{
    private function __construct(
        public readonly ?int $promptTokens,
        public readonly ?int $completionTokens,
        public readonly ?int $totalTokens,
        public readonly ?int $reasoningTokens,
        public readonly ?int $cachedTokens,
        public readonly ?float $cost,
        public readonly ?string $costUnit,
    ) {}

    /** @internal */
    public static function read(CData $usage): self
    {
        $reported = fn(int|float $number): int|float|null => $number < 0 ? null : $number;
        return new self(
            $reported($usage->prompt_tokens),
            $reported($usage->completion_tokens),
            $reported($usage->total_tokens),
            $reported($usage->reasoning_tokens),
            $reported($usage->cached_tokens),
            $reported($usage->cost),
            Library::field($usage->cost_unit),
        );
    }
}

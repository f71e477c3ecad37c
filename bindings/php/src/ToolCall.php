<?php

declare(strict_types=1);

namespace Thinkwire;

use FFI\CData;

/** A tool call that the model requests. */
final class ToolCall
{
    /** @param string $arguments JSON text, which may be invalid */
    private function __construct(
        public readonly string $id,
        public readonly string $name,
        public readonly string $arguments,
        public readonly int $choice,
        public readonly int $index,
    ) {}

    /** The arguments as an array. Throws a JsonException if the model wrote invalid JSON. */
    public function parsedArguments(): array
    {
        $arguments = json_decode($this->arguments, true, flags: JSON_THROW_ON_ERROR);
        return is_array($arguments)
            ? $arguments
            : throw new \JsonException('the arguments are not a JSON object');
    }

    /** @internal */
    public static function read(CData $call): self
    {
        return new self(
            Library::field($call->id),
            Library::field($call->name),
            \FFI::string($call->arguments, $call->arguments_len),
            $call->choice,
            $call->index,
        );
    }
}

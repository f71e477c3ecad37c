<?php

declare(strict_types=1);

namespace Thinkwire;

/** A failed call, or an exchange that did not end with "ok". */
final class Exception extends \RuntimeException
{
    /**
     * @param string $status the tw_status, such as "rate_limited"
     * @param ?Reply $reply what was received nevertheless; null if no exchange began
     */
    public function __construct(
        string $message,
        public readonly string $status,
        public readonly ?Reply $reply = null,
    ) {
        parent::__construct($message);
    }
}

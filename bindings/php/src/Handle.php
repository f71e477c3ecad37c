<?php

declare(strict_types=1);

namespace Thinkwire;

use FFI\CData;

/**
 * An object of the library, which is destroyed by close(), or with its last reference.
 *
 * @internal
 */
abstract class Handle
{
    private ?CData $pointer;

    /** @param string $destroy the function that destroys the object */
    protected function __construct(CData $pointer, private readonly string $destroy)
    {
        $this->pointer = $pointer;
    }

    public function __destruct()
    {
        $this->close();
    }

    /** Destroys the object. Later calls do nothing. */
    public function close(): void
    {
        $pointer = $this->release();
        if ($pointer !== null) {
            Library::c()->{$this->destroy}($pointer);
        }
    }

    /** The pointer for a call. The object must be referenced until the call returns. */
    public function pointer(): CData
    {
        return $this->pointer ?? throw new Exception('the object is closed', 'misuse');
    }

    /** The pointer, for the caller to destroy; null if the object is closed. */
    protected function release(): ?CData
    {
        // The constructor may have failed.
        $pointer = $this->pointer ?? null;
        $this->pointer = null;
        return $pointer;
    }

    /** A copy would be destroyed a second time. */
    private function __clone() {}

    public function __serialize(): array
    {
        throw new \LogicException(static::class . ' cannot be serialized');
    }
}

<?php

declare(strict_types=1);

namespace Thinkwire;

use FFI;
use FFI\CData;

/**
 * The functions, enumerations and structs of thinkwire.h, as thinkwire.cdef declares them.
 *
 * thinkwire.cdef is installed with the library. No declaration is repeated here, so each function
 * of the installed library exists: Library::c()->tw_version(), Library::c()->TW_OK.
 */
final class Library
{
    private static ?string $declarations = null;
    private static ?FFI $functions = null;

    /** The library: each function and each constant of thinkwire.h is a member. */
    public static function c(): FFI
    {
        return self::$functions ??= FFI::cdef(
            // PHP makes a string of each `const char *`, which would end at a NUL in the text.
            preg_replace(
                '/\bconst (?=char \*(\w+;|\w+\([^;]*\bsize_t \*len\)))/',
                '',
                self::declarations(),
            ),
            getenv('THINKWIRE_LIBRARY') ?: 'libthinkwire.so.0',
        );
    }

    /** The version of the loaded library. */
    public static function version(): string
    {
        return self::c()->tw_version();
    }

    /**
     * The names of an enumeration by their values: [8 => 'timeout'] of "TW_TIMEOUT = 8".
     *
     * @return array<int, string>
     */
    public static function names(string $enum, string $prefix): array
    {
        preg_match("/^typedef enum $enum \{(.*?)^\}/ms", self::declarations(), $body);
        preg_match_all("/{$prefix}_(\w+) = (-?\d+)/", $body[1], $found);
        return array_combine(array_map('intval', $found[2]), array_map('strtolower', $found[1]));
    }

    /** The value of a name such as "high" in an enumeration with the prefix "TW_THINKING". */
    public static function value(string $prefix, string $name): int
    {
        try {
            return self::c()->{$prefix . '_' . strtoupper($name)};
        } catch (FFI\Exception) {
            throw new \InvalidArgumentException("there is no $prefix \"$name\"");
        }
    }

    /** The text that a function returns with its length; null for NULL. */
    public static function text(string $function, mixed ...$arguments): ?string
    {
        $length = self::c()->new('size_t');
        $text = self::c()->$function(...[...$arguments, FFI::addr($length)]);
        return $text === null ? null : FFI::string($text, $length->cdata);
    }

    /** The text of a field, which ends in a NUL; null for NULL. */
    public static function field(?CData $text): ?string
    {
        return $text === null ? null : FFI::string($text);
    }

    /** A text as an argument. In C it ends at its first NUL: the rest would be lost. */
    public static function argument(?string $text): ?string
    {
        if ($text !== null && str_contains($text, "\0")) {
            throw new \InvalidArgumentException('the text contains a NUL');
        }
        return $text;
    }

    /** A value as JSON text. Characters are not escaped, so that errors can quote them. */
    public static function json(mixed $value): string
    {
        return json_encode(
            $value,
            JSON_THROW_ON_ERROR | JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES
                | JSON_PRESERVE_ZERO_FRACTION,
        );
    }

    /** The name of a status, such as "rate_limited". */
    public static function statusName(int $status): string
    {
        return strtolower(substr(self::c()->tw_status_name($status), strlen('TW_')));
    }

    /** Throws the error of the last failed call unless the status is TW_OK. */
    public static function check(int $status): void
    {
        if ($status !== self::c()->TW_OK) {
            throw new Exception(self::c()->tw_last_error(), self::statusName($status));
        }
    }

    private static function declarations(): string
    {
        return self::$declarations ??= self::readDeclarations();
    }

    private static function readDeclarations(): string
    {
        $named = getenv('THINKWIRE_CDEF') ?: [];
        $places = [
            ...(array) $named,
            '/usr/local/include/thinkwire.cdef',
            '/usr/include/thinkwire.cdef',
        ];
        foreach ($places as $place) {
            if (is_readable($place)) {
                return file_get_contents($place);
            }
        }
        throw new \RuntimeException(
            'thinkwire.cdef is in none of ' . implode(', ', $places) . ': set THINKWIRE_CDEF',
        );
    }
}

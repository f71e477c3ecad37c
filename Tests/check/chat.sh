#!/bin/sh
# chat.sh PROGRAM: thinkwire-chat as a script and as a person see it. THINKWIRE_BASE_URL leads to thinkwire-mock.
set -eu
chat=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0
ok() { if "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "chat.sh: does not hold: $*" >&2; fi; }
is() { [ "$1" = "$2" ] || { echo "chat.sh: <$1>, not <$2>" >&2; return 1; }; }
has() { grep -q -e "$2" "$work/$1" || { echo "chat.sh: $1 lacks <$2>:" >&2; cat "$work/$1" >&2; return 1; }; }
hasnt() { ! grep -q -e "$2" "$work/$1" || { echo "chat.sh: $1 has <$2>:" >&2; cat "$work/$1" >&2; return 1; }; }
# go STATUS ARGUMENT…: runs it, its outputs kept apart.
go() {
    wanted=$1
    shift
    status=0
    "$chat" "$@" >"$work/out" 2>"$work/err" </dev/null || status=$?
    ok is "$status" "$wanted"
}
# on_terminal COMMAND: runs it on a terminal of its own; what it shows is in `out`, at once.
on_terminal() {
    rm -f "$work/out"
    SHELL=/bin/sh TERM=xterm script -qefc "$1" "$work/out" >/dev/null
}
# terminal STATUS COMMAND: the same, and how it ends.
terminal() {
    status=0
    on_terminal "$2" || status=$?
    ok is "$status" "$1"
}
# until_has FILE PATTERN [TIMES]: waits until that many lines have it; half a minute, as the machine may be busy.
until_has() {
    tries=300
    while [ "$tries" -gt 0 ] && [ "$(cat "$work/$1" 2>/dev/null | grep -c -e "$2")" -lt "${3:-1}" ]; do
        tries=$((tries - 1))
        sleep 0.1
    done
}
greeting='Hello! How can I assist you today?'
escape=$(printf '\033')

go 0 --think Hello
ok is "$(cat "$work/out")" "$greeting"
ok has err 'Okay, the user said "Hello"'
ok has err '^13 prompt tokens, 2010 completion tokens, 82 of them reasoning, first thought .* first word .* total '
ok hasnt err "$escape"
go 0 --think --quiet Hello
ok is "$(cat "$work/out")" "$greeting"
ok is "$(cat "$work/err")" ""
go 0 --think --json Hello
ok has out '"object": *"chat.completion"'
ok has out '"reasoning_content": *"Okay'
ok is "$(cat "$work/err")" ""
go 0 -m alibaba/qwen3.6-35b-a3b --effort low --system 'Be brief.' --set temperature=0.2 Hello
ok has err ' USD, '
printf 'GIF89a..' >"$work/image.gif"
go 0 -m alibaba/qwen3-vl-32b-thinking --image "$work/image.gif" --image https://host/b.png What is this
ok has err ' total '
printf 'Hello\n' >"$work/question"
ok is "$("$chat" --quiet --think <"$work/question")" "$greeting"
ok is "$(THINKWIRE_MODEL=no/such-model "$chat" Hello 2>&1 | grep -c no/such-model)" 1
go 0 --help
ok has out '^usage: thinkwire-chat'
go 0 --version
ok has out '^thinkwire-chat [0-9]*\.[0-9]*\.[0-9]*$'

# Failures: their status, their reason on standard error, and nothing but the answer on standard output.
go 1 -m no/such-model Hello
ok has err '^thinkwire-chat: '
ok is "$(cat "$work/out")" ""
go 1 --quiet --think -m 'alibaba/qwen3-32b#cut=2600' Hello
ok has err '^thinkwire-chat: '
go 1 --base-url http://127.0.0.1:1/v1 Hello
go 2 --no-such-option
ok has err '^thinkwire-chat: .*--no-such-option'
go 2 --model
go 2 --budget many Hello
go 2 --no-think --budget 5 Hello
go 2 --effort extreme Hello
go 2 --set temperature Hello
go 2 --set temperature=warm Hello
go 2 --image "$work/none.png" Hello
ok has err 'No such file'
go 2 --base-url ftp://host Hello
go 2 --json=yes Hello
go 2 ''
status=0
"$chat" --quiet Hello >/dev/full 2>"$work/err" || status=$?
ok is "$status" 1
ok has err "can't be written"
status=0
env -u THINKWIRE_API_KEY -u THINKWIRE_BASE_URL "$chat" Hello 2>"$work/err" || status=$?
ok is "$status" 2
ok has err 'API_KEY'

# On a terminal the thoughts are dimmed and in the same place; without colours they are titled.
terminal 0 "$chat --think Hello"
ok has out "$escape\[2mOkay"
ok has out "^$greeting"
NO_COLOR=1 terminal 0 "$chat --think Hello"
ok has out '^\[thinking\]'
ok has out '^\[answer\]'
ok hasnt out "$escape"

# A conversation keeps its history, and ends with the end of input.
printf 'Hello\n\nHello again\n' >"$work/question"
terminal 0 "$chat --quiet --think" <"$work/question"
ok is "$(grep -c "$greeting" "$work/out")" 2

# Ctrl-C ends the answer: what had come is shown, and the status tells.
"$chat" --think -m 'alibaba/qwen3-32b#stall=2500' Hello >"$work/out" 2>"$work/err" &
pid=$!
until_has err 'Okay, the user'
kill -INT $pid
status=0
wait $pid || status=$?
ok is "$status" 130
ok has err 'Okay, the user'
ok has err '^thinkwire-chat: interrupted'

# In a conversation it ends the answer alone, and at the prompt the line alone.
# The shell in between gets each Ctrl-C as well, and must outlive it.
{
    printf 'Hello\n'
    until_has out '2mOkay'
    printf '\003'
    until_has out '^> ' 2
    printf 'not sent\003'
    until_has out '^> ' 3
    tries=60
    while [ "$tries" -gt 0 ] && ! grep -q '^ended with' "$work/out"; do
        printf '\004'
        tries=$((tries - 1))
        sleep 0.5
    done
} | on_terminal "trap : INT; $chat --think -m 'alibaba/qwen3-32b#stall=2500'; echo ended with \$?" || true
ok has out 'thinkwire-chat: interrupted'
ok is "$(grep -c 'Okay, the user\|2mOkay' "$work/out")" 1
ok has out '^ended with 0'

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]

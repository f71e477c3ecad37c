#!/bin/sh
# chat.sh PROGRAM: thinkwire-chat in a script and on a terminal. THINKWIRE_BASE_URL is the URL of a
# running thinkwire-mock.
set -eu
chat=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HOME="$work" THINKWIRE_MODEL=alibaba/qwen3-32b
unset XDG_STATE_HOME
# The program reads a pipe or a file that is its standard input.
exec </dev/null
passed=0 failed=0
# check COMMAND…: counts whether the command succeeds.
check() {
    if "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "chat.sh: failed: $*" >&2
    fi
}
equal() { [ "$1" = "$2" ] || { echo "chat.sh: <$1>, expected <$2>" >&2; return 1; }; }
contains() {
    grep -q -e "$2" "$work/$1" ||
        { echo "chat.sh: $1 lacks <$2>:" >&2; cat "$work/$1" >&2; return 1; }
}
lacks() {
    ! grep -q -e "$2" "$work/$1" ||
        { echo "chat.sh: $1 contains <$2>:" >&2; cat "$work/$1" >&2; return 1; }
}
# run STATUS ARGUMENT…: runs the program, with its output in `out` and `err`, and checks its status.
run() {
    expected=$1
    shift
    status=0
    "$chat" "$@" >"$work/out" 2>"$work/err" || status=$?
    check equal "$status" "$expected"
}
# on_terminal COMMAND: runs the command on a terminal of its own; its output is in `out` at once.
on_terminal() {
    rm -f "$work/out"
    SHELL=/bin/sh TERM=xterm script -qefc "$1" "$work/out" >/dev/null
}
# run_on_terminal STATUS COMMAND: the same, and checks the status.
run_on_terminal() {
    status=0
    on_terminal "$2" || status=$?
    check equal "$status" "$1"
}
# wait_for FILE PATTERN [COUNT]: waits until so many lines match; 30 seconds, as the machine may be
# busy.
wait_for() {
    tries=300
    while [ "$tries" -gt 0 ] &&
        [ "$(cat "$work/$1" 2>/dev/null | grep -c -e "$2")" -lt "${3:-1}" ]; do
        tries=$((tries - 1))
        sleep 0.1
    done
}
greeting='Hello! How can I assist you today?'
summary='^13 prompt tokens, 2010 completion tokens, 82 of them reasoning,'
escape=$(printf '\033')

run 0 --think Hello
check equal "$(cat "$work/out")" "$greeting"
check contains err 'Okay, the user said "Hello"'
check contains err "$summary first reasoning .* s, first content .* s, total "
check lacks err "$escape"
run 0 --think --quiet Hello
check equal "$(cat "$work/out")" "$greeting"
check equal "$(cat "$work/err")" ""
run 0 --think --json Hello
check contains out '"object": *"chat.completion"'
check contains out '"reasoning_content": *"Okay'
check equal "$(cat "$work/err")" ""
run 0 -m alibaba/qwen3.6-35b-a3b --effort low --system 'Be brief.' --set temperature=0.2 Hello
check contains err ' USD, '
printf 'GIF89a..' >"$work/image.gif"
run 0 -m alibaba/qwen3-vl-32b-thinking --image "$work/image.gif" --image https://host/b.png \
    What is this
check contains err ' total '
printf 'Hello\n' >"$work/question"
check equal "$("$chat" --quiet --think <"$work/question")" "$greeting"
check equal "$(THINKWIRE_MODEL=no/such-model "$chat" Hello 2>&1 | grep -c no/such-model)" 1
run 0 --list-models
check contains out '^alibaba/qwen3-32b$'
check contains out '^alibaba/qwen3\.6-35b-a3b$'
check equal "$(cat "$work/err")" ""
run 0 --list-models --json
check contains out '^{"object":"list","data":\[{"id":"alibaba/qwen3-32b"'
run 1 --list-models --base-url http://127.0.0.1:1/v1
check contains err '^thinkwire-chat: no connection'
check equal "$(cat "$work/out")" ""
run 0 --help
check contains out '^usage: thinkwire-chat'
run 0 --version
check contains out '^thinkwire-chat [0-9]*\.[0-9]*\.[0-9]*$'

# After a failure, the status and standard error say why; standard output contains only the answer.
run 1 -m no/such-model Hello
check contains err '^thinkwire-chat: '
check equal "$(cat "$work/out")" ""
run 1 --quiet --think -m 'alibaba/qwen3-32b#cut=2600' Hello
check contains err '^thinkwire-chat: '
reply='mock_reply="data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n"'
run 1 --quiet -m mock/script --set "$reply" Hello
check contains err 'ended before the model had finished'
run 0 --quiet --no-require-finish -m mock/script --set "$reply" Hello
check equal "$(cat "$work/out")" Hi
run 1 --base-url http://127.0.0.1:1/v1 Hello
run 2 --no-such-option
check contains err '^thinkwire-chat: .*--no-such-option'
run 2 --model
run 2 --budget many Hello
run 2 --no-think --budget 5 Hello
run 2 --effort extreme Hello
check contains err 'requires none, minimal, low, medium, high, xhigh or max, not extreme$'
run 2 --set temperature Hello
run 2 --set temperature=warm Hello
run 2 --image "$work/none.png" Hello
check contains err 'No such file'
run 2 --base-url ftp://host Hello
run 2 --json=yes Hello
run 2 ''
status=0
"$chat" --quiet Hello >/dev/full 2>"$work/err" || status=$?
check equal "$status" 1
check contains err 'cannot write the answer'
status=0
env -u THINKWIRE_API_KEY -u THINKWIRE_BASE_URL "$chat" Hello 2>"$work/err" || status=$?
check equal "$status" 2
check contains err 'API_KEY'

# On a terminal, reasoning and answer are on standard output, and the reasoning is dimmed. With
# NO_COLOR, both have titles instead.
run_on_terminal 0 "$chat --think Hello"
check contains out "$escape\[2mOkay"
check contains out "^$greeting"
NO_COLOR=1 run_on_terminal 0 "$chat --think Hello"
check contains out '^\[thinking\]'
check contains out '^\[answer\]'
check lacks out "$escape"

# A conversation ends at the end of input. The second answer shows that its request was accepted.
# Tests/chat tests line editing, which a terminal of this type does not allow.
printf 'Hello\n\nHello again\n' >"$work/question"
run_on_terminal 0 "TERM=dumb $chat --quiet --think" <"$work/question"
check equal "$(grep -c "$greeting" "$work/out")" 2

# Ctrl-C cancels the answer: what was received is shown, and the status says so.
"$chat" --think -m 'alibaba/qwen3-32b#stall=2500' Hello >"$work/out" 2>"$work/err" &
pid=$!
wait_for err 'Okay, the user'
kill -INT $pid
status=0
wait $pid || status=$?
check equal "$status" 130
check contains err 'Okay, the user'
check contains err '^thinkwire-chat: interrupted'

# In a conversation, Ctrl-C cancels only the answer; at the prompt, it discards only the line.
# The shell around the program receives each Ctrl-C as well, and must ignore it.
{
    printf 'Hello\n'
    wait_for out '^Okay'
    printf '\003'
    wait_for out '^> ' 2
    printf 'not sent\003'
    wait_for out '^> ' 3
    tries=60
    while [ "$tries" -gt 0 ] && ! grep -q '^ended with' "$work/out"; do
        printf '\004'
        tries=$((tries - 1))
        sleep 0.5
    done
} | on_terminal "trap : INT
    TERM=dumb $chat --think -m 'alibaba/qwen3-32b#stall=2500'
    echo ended with \$?" || true
check contains out 'thinkwire-chat: interrupted'
check equal "$(grep -c '^Okay, the user' "$work/out")" 1
check contains out '^ended with 0'

echo "chat: $passed passed, $failed failed"
[ "$failed" = 0 ]

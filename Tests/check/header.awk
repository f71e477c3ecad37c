# awk -f header.awk HEADER: the header can be read as a reference. Reports violations and fails.
#
# - No line exceeds 100 characters.
# - A doc comment is directly above every exported function and every type.
# - The first sentence of a doc comment has at most 150 characters.
# - The comment of a function that returns tw_status says when it is TW_INVALID or TW_MISUSE.
# - The comment of a function that has a pointer parameter says what happens for NULL.
#
# Run it with LC_ALL=C: not every awk counts characters of UTF-8.

function report(problem) {
    printf "%s:%d: %s\n", FILENAME, FNR, problem
    failed = 1
}

function check_first_sentence(text) {
    sub(/[.]( .*)?$/, "", text)
    if (match(text, /[.] /)) text = substr(text, 1, RSTART - 1)
    if (characters(text) > 150) report("the first sentence of the comment is too long: " text)
}

function characters(text) {
    gsub(/[\200-\277]/, "", text) # The continuation bytes of UTF-8.
    return length(text)
}

function check_function(declaration, text,    name, parameters) {
    functions++
    name = declaration
    sub(/[(].*/, "", name)
    sub(/.*[ *]/, "", name)
    parameters = declaration
    sub(/[^(]*[(]/, "", parameters)
    if (text == "") report(name " has no doc comment directly above it")
    if (declaration ~ /^TW_API tw_status / && text !~ /TW_INVALID|TW_MISUSE/)
        report("the comment of " name " names no error")
    if (parameters ~ /[*]|_fn / && text !~ /NULL/)
        report("the comment of " name " does not say what happens for NULL")
}

characters($0) > 100 { report("the line exceeds 100 characters") }

/^ *\/\*\*/ {
    in_comment = 1
    first_paragraph = 1
    comment = sentence = ""
}

in_comment {
    line = $0
    ended = line ~ /\*\/$/
    sub(/^ *(\/\*\*| \*\/?) ?/, "", line)
    sub(/ *\*\/$/, "", line)
    if (line == "" && sentence != "") first_paragraph = 0
    if (first_paragraph) sentence = sentence (sentence == "" ? "" : " ") line
    comment = comment " " line
    if (ended) {
        in_comment = 0
        comment_end = FNR
        check_first_sentence(sentence)
    }
    next
}

/^TW_API / {
    declaration = ""
    in_declaration = 1
    above = comment_end == FNR - 1 ? comment : ""
}

in_declaration {
    declaration = declaration " " $0
    if (/;$/) {
        in_declaration = 0
        sub(/^ /, "", declaration)
        check_function(declaration, above)
    }
}

/^typedef / && comment_end != FNR - 1 { report("the type has no doc comment directly above it") }

END {
    if (functions == 0) report("no function was found")
    exit failed
}

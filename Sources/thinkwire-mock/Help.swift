/// Output of `thinkwire-mock --help`: the complete documentation of the program.
let helpText: StaticString = """
    thinkwire-mock: a local OpenAI-compatible server that imitates a provider of thinking models

    Usage: thinkwire-mock [OPTION…]

      --port N         listen on port N (default 8089); 0 selects any free port
      --host ADDRESS   listen on this address (default 127.0.0.1); 0.0.0.0 or :: for all
      --pace MS        pause between the pieces of a body (default 0), in milliseconds; decimals
                       such as 0.5 are allowed
      --rate N         accept N chat requests per second, on all connections together; reject
                       more with status 429, retry-after and x-ratelimit-…; rejected ones count
      --alias NAME=MODEL[#OPTIONS]
                       answer requests for the model NAME as MODEL does, with these request options;
                       a NAME that ends with * stands for all names with that beginning; the first
                       alias that matches is used; may be repeated
      --script FILE    answer with the entries of FILE, whatever model is requested; see SCRIPTS
      --requests FILE  append each received request to FILE, without keys, as one line of JSON
      --record URL     forward requests to the provider with this base URL, with the client's key
      --output FILE    append the forwarded requests and their responses to FILE, without keys
      --ca-file FILE   trust the certificates in FILE (PEM) instead of the system's, for --record
      --replay FILE    answer with the responses that --record has stored in FILE; see RECORDINGS
      --tls            serve https, with a certificate that is generated at the start; the second
                       line on standard output is the path of a PEM file with the authority that
                       clients must trust, which is deleted at the end
      --log            print one line per response to standard error
      --quiet          print no log (the default)
      --version        print the version
      --help           print this text

    The first line on standard output is the base URL, http://127.0.0.1:PORT/v1. Every request needs
    an API key, and any key is accepted. SIGTERM or SIGINT ends the program.

    MODELS
      alibaba/qwen3-32b, alibaba/qwen3-next-80b-a3b-thinking, alibaba/qwen3-vl-32b-thinking,
      alibaba/qwen3.6-35b-a3b
          answer every request with a recorded response of the provider, streamed or unstreamed, and
          reject the requests that the provider rejects
      mock/synthetic
          answers with any number of chunks of any size; its options:
            chunks=100     number of content chunks       reasoning=0    number of reasoning chunks
            size=16        bytes of text per chunk        text=TEXT      text of each chunk
            choices=1      number of choices              finish=stop    their finish_reason
            usage=1        whether a usage chunk is sent  done=1         whether [DONE] is sent
            time=0         whether the text of each chunk is the time at which it is sent, in
                           microseconds of the monotonic clock
            escapes=0      percentage of chunks with a text that ends in an escaped line feed and é
            twice=0        whether reasoning is sent in "reasoning", too
            logprobs=0     whether each chunk has logprobs
            obfuscation=0  whether each chunk has a string of another length, as OpenAI sends it
      mock/echo
          answers with the request body as content; the member "mock" of the response contains the
          request headers, and the numbers of the connection and of the request on it
      mock/tools
          calls each tool of the request, with arguments that match its parameters: all at once, or
          one in each response with "parallel_tool_calls": false; when all results since the last
          user message were sent, answers with them; obeys tool_choice, and rejects tool calls
          without results
      mock/script
          answers with the text in the member "mock_reply" of the request body, or with the bytes in
          "mock_reply_base64"; from an array, each request with the same key= receives the next
          element, and later requests receive the last one

      GET /v1/models lists all of them, and the aliases.

    RECEIVED REQUESTS
      GET /v1/mock/requests returns the received requests, the oldest first, as a JSON array of
      objects with the members connection, request (its number on the connection), method, path,
      headers (names in lower case) and body. Keys are replaced by asterisks. The last 1000 requests
      are kept, and at most 16 MiB. DELETE /v1/mock/requests forgets them.

    SCRIPTS
      A script is a JSON array with one object for each answer, in the order of the requests. All
      members are optional:
        content            text of the answer
        reasoning          text of the reasoning
        tool_calls         array of {"name": …, "arguments": {…}}; arguments may also be a string,
                           which need not be JSON
        finish_reason      reason instead of "stop" or "tool_calls"
        status             HTTP status; from 300 on, an error response is sent
        error              message or object of an error response (default status: 500)
        delay              wait before the response, in milliseconds
        options            request options, such as "pace=20,header=Retry-After:2"
        expect             text that the last message of the request must contain; another request
                           receives status 400, and the answer remains the next one
        repeat             true: this answer is used for all further requests
      After the last answer, requests receive status 400.

    RECORDINGS
      --record URL --output FILE forwards GET /models and POST /chat/completions, and verifies the
      provider's certificate. Each exchange is one line of JSON in FILE: request (method, path,
      headers, body) and response (status, headers, complete, pieces). Keys are replaced by
      asterisks, also in bodies; cookies are not stored.
      --replay FILE answers each request with the response to an equal request: the same method,
      path and body. Equal requests receive their responses in the recorded order, and then the last
      one. Any other request receives status 400, with the first difference. Request options in the
      header x-mock apply.

    REQUEST OPTIONS
      Options are written "key=value,key=value" in the header x-mock or after the model's name:
      "alibaba/qwen3-32b#pace=20,cut=1000". Values are percent-decoded (%2C is a comma). Offsets in
      the body do not count the framing of chunks. Times are in milliseconds.

      Faults:
        status=503         respond with this status and an error body in the provider's format
        message=TEXT       error message for status=
        header=Name:Value  send this header too; may be repeated
        cut=N              close the connection (FIN) after N bytes of the body
        reset=N            reset the connection (RST) after N bytes of the body
        stall=N            stop sending after N bytes of the body
        resume=MS          continue this long after stall=
        garbage=N          send N pseudo-random bytes as the body
        delay=MS           wait before the head of the response
        hold=MS            wait after the body, before its end
        drop=fin|rst       close or reset the connection instead of responding
        early=1            respond with an error before the request body was read (only in x-mock)
        stop-reading=MS    do not read the request body for this time (only in x-mock)
        close=1            close the connection after the response
        tries=N            apply the faults only to the first N requests with the same options
        key=NAME           count the requests with this key instead, for tries= and mock/script

      Delivery:
        pace=MS            pause between the pieces of the body; overrides --pace
        piece=N            divide the body into pieces of N bytes
        join=N             send N chunks in each piece
        write=N            send at most N bytes per system call
        framing=chunked|length|close
                           framing of the body
        type=text/plain    content type of the response
        newline=lf|crlf|cr line ending in the body

    """

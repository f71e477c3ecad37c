/// What --help prints: all that a user of the mock has to know.
let helpText: StaticString = """
    thinkwire-mock: an OpenAI-compatible provider of thinking models on your desk

    thinkwire-mock [--port N] [--pace MS] [--log]

      --port N     listen on 127.0.0.1:N (8089); 0: any free port
      --pace MS    wait so long between the chunks of a stream (0); "0.5" is half a millisecond
      --log        a line about each request on standard error; --quiet: none, which is the default
      --version, --help

    The first line on standard output is the base URL, http://127.0.0.1:PORT/v1. Any key is accepted, but there must be one.
    SIGTERM and SIGINT end it.

    MODELS
      alibaba/qwen3-32b, alibaba/qwen3-next-80b-a3b-thinking, alibaba/qwen3-vl-32b-thinking, alibaba/qwen3.6-35b-a3b
                       answer every question with what the provider once answered, streamed or not, and refuse what it refuses
      mock/synthetic   any number of chunks of any size:
                         chunks=100     pieces of answer         reasoning=0    pieces of reasoning before them
                         size=16        bytes of text in each    text=TEXT      the text of each, in place of that
                         choices=1      answers side by side     finish=stop    their finish_reason
                         usage=1, done=1   whether a usage chunk and [DONE] come
      mock/echo        answers with the body it received; the field "mock" has the headers, and the number of the connection and
                       of the request on it
      mock/script      answers with the bytes in the body's field "mock_reply", or "mock_reply_base64"; of a list, with the next
                       one for each request that has the same key=

    ASKING FOR MORE
      "key=value,key=value" in the header x-mock, or behind the model's name: "alibaba/qwen3-32b#pace=20,cut=1000".
      Values are percent-decoded (%2C is a comma). Bytes are counted in the body, before it is framed in chunks.

      status=503       refuse with that status, in the provider's form      message=TEXT   with these words
      header=Name:Value   send this header as well; may be repeated
      cut=N            after N bytes of body, close the connection (FIN)
      reset=N          after N bytes of body, reset it (RST)
      stall=N          after N bytes of body, send no more                  resume=MS      but go on after that time
      garbage=N        send N bytes of no sense as the body
      delay=MS         wait before the head of the answer
      hold=MS          wait before the end of the body, when all of it has been sent
      drop=fin|rst     close or reset the connection in place of an answer
      early=1          refuse before the body has been read; stop-reading=MS: do not read the body for so long (in the header alone)
      close=1          close the connection after the answer
      tries=N          all of the above for the first N requests alone, among those with the same words or the same key=NAME

      pace=MS          between the pieces of the body, in place of --pace
      piece=N          cut the body in pieces of N bytes                    join=N         N chunks in each piece
      write=N          send at most N bytes at a time
      framing=chunked|length|close                                          type=text/plain
      newline=lf|crlf|cr   end the lines of the body so

    """

"""The command line, `anchor-webtask`; it needs the extra `[cli]`.

`entry` is what the console script calls, `app` has the commands, and `exit_status` says what each exit status means.
Modules import the client only inside their functions, so that `--help` and completion are fast.
"""

"""What not every desktop system has, and the one module that may use it."""

MODULES = {"ctypes", "curses", "fcntl", "grp", "msvcrt", "pty", "pwd", "readline", "resource", "syslog", "termios", "tty", "winreg"}
FUNCTIONS = {"fork", "forkpty", "getpgid", "getpgrp", "killpg", "nice", "setpgid", "setsid"}
SIGNALS = {"SIGINT", "SIG_IGN", "SIGTERM"}
"""The signals that every system has."""
ARGUMENTS = {"start_new_session", "preexec_fn", "creationflags", "startupinfo", "pass_fds"}
"""Of a new process."""
SYSTEM = "adrec/system.py"

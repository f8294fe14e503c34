"""Shared code of scripts that kill themselves with SIGKILL at their n-th durable operation.

A script sets `left`, the number of operations before the kill, then wraps each counted function:
`os.unlink = counted(os.unlink)`.
"""

COUNTED = """
def counted(real):
    def wrapped(*a, **k):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*a, **k)
    return wrapped
"""

"""The part that scripts share which end themselves by SIGKILL at their n-th durable operation.

A script sets `left`, the operations that it may still do, then wraps what it counts:
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

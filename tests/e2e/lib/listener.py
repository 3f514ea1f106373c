"""A listener that serves its connections one after the other, in a thread of its own."""
import threading

CONNECTION_LIMIT_S = 5


class Listener:
    """Calls serve(connection) for each, until close(); the connection is closed behind it."""

    def __init__(self, listener):
        self._listener = listener
        self._listener.settimeout(0.2)
        self._stop = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def serve(self, connection):
        raise AssertionError("each kind of listener serves in its own way")

    def _run(self):
        while not self._stop:
            try:
                connection, _ = self._listener.accept()
            except TimeoutError:
                continue
            connection.settimeout(CONNECTION_LIMIT_S)
            try:
                with connection:
                    self.serve(connection)
            except OSError:
                pass  # the client refused what it was told, or left

    def close(self):
        self._stop = True
        self._thread.join(5)
        self._listener.close()

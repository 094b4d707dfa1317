"""A crew whose workers are objects of this process, which die where a test says so."""

from concurrent.futures import Future

from frcrn_app.workers import Lost, Seat, WorkerDied


class Memory:
    """A store of arrays; what is forgotten is lost."""

    def __init__(self):
        self.arrays = {}

    def put(self, array):
        handle = len(self.arrays)
        self.arrays[handle] = array
        return handle

    def get(self, handle):
        if self.arrays[handle] is None:
            raise Lost
        return self.arrays[handle]


class InlineCrew:
    """Args:
    make: builds what a worker holds.
    size: workers.
    dies: whether a worker dies in a call of that method with these arguments.
    """

    def __init__(self, make, size=2, dies=lambda *call: False):
        self.size, self.store = size, Memory()
        self._make, self._dies = make, dies
        self._workers = [make(Seat(number, 1, self.store)) for number in range(size)]

    def call(self, worker, method, *args):
        future = Future()
        if self._dies(method, *args):
            future.set_exception(WorkerDied())
            return future
        try:
            future.set_result(getattr(self._workers[worker], method)(*args))
        except Exception as error:
            future.set_exception(error)
        return future

    def call_keeping(self, worker, method, *args):
        done, handle, kept = self.call(worker, method, *args), self.store.put(None), Future()
        if done.exception():
            kept.set_exception(done.exception())
        else:
            facts, self.store.arrays[handle] = done.result()
            kept.set_result(facts)
        return kept, handle

    def replace(self, worker):
        self._workers[worker] = self._make(Seat(worker, 1, self.store))

    def free(self, handles):
        for handle in handles:
            self.store.arrays[handle] = None

    def close(self):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

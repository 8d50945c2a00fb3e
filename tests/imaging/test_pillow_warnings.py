import threading
import warnings

from keras_colorize.imaging.pillow_warnings import quiet_pillow


def test_warnings_are_hidden_in_all_threads_and_come_back():
    before = list(warnings.filters)
    inside = threading.Barrier(2)

    def warn() -> None:
        with quiet_pillow():
            inside.wait(600)
            scope = {"__name__": "PIL.SomePlugin"}
            exec("import warnings; warnings.warn('odd metadata')", scope)
            inside.wait(600)

    threads = [threading.Thread(target=warn) for _ in range(2)]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        within = list(warnings.filters)
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert list(warnings.filters) == within
        exec("import warnings; warnings.warn('told')", {"__name__": "PIL.SomePlugin"})
    assert [str(warning.message) for warning in caught] == ["told"]
    assert list(warnings.filters) == before

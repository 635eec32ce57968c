"""ONNX Runtime or OpenVINO, by its Python package, as a program that is asked over its standard input. The requests and answers are those
of wonnx/src/main.rs, and times are taken here, so that the pipe is in none of them.

    python3 python_engine.py onnxruntime|openvino
"""

import os
import sys
import time

import numpy

THREADS = len(os.sched_getaffinity(0))


class OnnxRuntime:
    def __init__(self, model: bytes):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = THREADS
        self.session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def shape(self, name: str):
        return next(own.shape for own in self.session.get_inputs() if own.name == name)

    def run(self, name: str, array: numpy.ndarray, output: str) -> numpy.ndarray:
        return self.session.run([output], {name: array})[0]


class OpenVino:
    def __init__(self, model: bytes):
        import openvino

        # Left to itself it computes in 16 bits where the processor has them.
        settings = {"INFERENCE_NUM_THREADS": THREADS, "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
        core = openvino.Core()
        self.compiled = core.compile_model(core.read_model(model=model), "CPU", settings)
        self.request = self.compiled.create_infer_request()

    def shape(self, name: str):
        return [extent.get_length() if extent.is_static else None for extent in self.compiled.input(name).partial_shape]

    def run(self, name: str, array: numpy.ndarray, output: str) -> numpy.ndarray:
        return self.request.infer({name: array}, share_inputs=True, share_outputs=True)[self.compiled.output(output)]


def main() -> None:
    engine = {"onnxruntime": OnnxRuntime, "openvino": OpenVino}[sys.argv[1]]
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    loaded = None
    while line := requests.readline().decode():
        kind, size, *names = line.rstrip("\n").split("\t")
        try:
            if kind == "load":
                data = requests.read(int(size))
                start = time.perf_counter_ns()
                loaded = engine(data)
                answers.write(f"ok\t{time.perf_counter_ns() - start}\n".encode())
            else:
                values = numpy.frombuffer(requests.read(4 * int(size)), "<f4")
                # A batch that the file leaves open is 1.
                extents = [extent if isinstance(extent, int) else 1 for extent in loaded.shape(names[0])]
                array = values.reshape(extents)
                start = time.perf_counter_ns()
                output = loaded.run(names[0], array, names[1])
                elapsed = time.perf_counter_ns() - start
                answers.write(f"ok\t{elapsed}\t{output.size}\n".encode())
                answers.write(numpy.ascontiguousarray(output, "<f4").tobytes())
        except Exception as error:  # noqa: BLE001: whatever it is, it is the answer
            answers.write(("error\t" + " ".join(f"{type(error).__name__}: {error}".split()) + "\n").encode())
        answers.flush()


if __name__ == "__main__":
    main()

"""Digits read by LeNet-5 behind HTTP, by Ray Serve.

pip install 'convoke[serve]'
serve run serve_digits:app                                       # in this folder
curl --data-binary @../digits/6.png http://localhost:8000/       # 6
"""

from pathlib import Path

from ray import serve
from starlette.requests import Request

import convoke
from convoke.pictures import Pictures

MODEL = Path(__file__).resolve().parents[2] / "models" / "lenet5.onnx"


@serve.deployment(num_replicas=2, ray_actor_options={"num_cpus": 1})
class Digits:
    def __init__(self, model: bytes) -> None:
        self.session = convoke.InferenceSession(model, convoke.SessionOptions(intra_op_num_threads=1), ["cpu"])
        self.pictures = Pictures(resize=(28, 28), crop=None, mean=(1.0,), std=(-1.0,), mode="L")  # ink is 1, paper 0

    async def __call__(self, request: Request) -> str:
        image = self.pictures.decode(await request.body())
        (logits,) = self.session.run(None, {"input": image[None]})
        return str(logits.argmax())


app = Digits.bind(MODEL.read_bytes())

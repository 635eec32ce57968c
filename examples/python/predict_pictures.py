#!/usr/bin/env python3
"""What a network sees in a folder of pictures, on all cores or GPUs of a machine or a cluster, as Parquet.

    pip install 'convoke[ray]'
    python predict_pictures.py pictures/ resnet18.onnx results/ --actors 8
    python predict_pictures.py s3://bucket/pictures resnet18.onnx s3://bucket/results --actors 8 --gpus 1

On a cluster it is started as any script of Ray's: `ray job submit -- python predict_pictures.py ...`.
"""

import argparse

import convoke.ray

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("pictures", help="a folder, here or in an object store")
parser.add_argument("model", help="an ONNX file that takes torchvision's pictures of 224 x 224")
parser.add_argument("results", help="the folder that the Parquet files are written to")
parser.add_argument("--actors", type=int, default=1)
parser.add_argument("--gpus", type=float, default=0, help="GPUs for each actor; without one a core")
parser.add_argument("--batch", type=int, default=32)
arguments = parser.parse_args()

predicted = convoke.ray.predict(arguments.pictures, arguments.model, arguments.batch, arguments.actors, arguments.gpus)
predicted.write_parquet(arguments.results)

"""Asks TensorFlow Serving over gRPC: python grpc_client.py localhost:8500 sentiment TEXT..."""

import sys

import grpc
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

address, model, *texts = sys.argv[1:]
request = predict_pb2.PredictRequest()
request.model_spec.name = model
request.inputs["text"].CopyFrom(tf.make_tensor_proto(texts, tf.string))
with grpc.insecure_channel(address) as channel:
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    for name, tensor in stub.Predict(request, timeout=10).outputs.items():
        print(name, tf.make_ndarray(tensor).tolist())

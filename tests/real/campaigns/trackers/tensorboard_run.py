"""Scalars and hyperparameters as TensorBoard's own library writes them. Usage: tensorboard_run.py FOLDER"""

import sys
import time

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.hparams.summary_v2 import hparams_pb
from tensorboard.summary.writer.event_file_writer import EventFileWriter

writer = EventFileWriter(sys.argv[1])
writer.add_event(Event(wall_time=time.time(), summary=hparams_pb({"lr": 0.1, "seed": 11, "kind": "mean", "big": True})))
for step in range(5):
    loss = Summary.Value(tag="loss", simple_value=1 / (step + 1))
    writer.add_event(Event(wall_time=time.time(), step=step, summary=Summary(value=[loss])))
writer.close()

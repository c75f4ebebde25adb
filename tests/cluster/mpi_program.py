"""A rank of the tests: agrees if told to, computes; rank 0 prints what all have."""

import json
import sys

import fullspeed
import fullspeed.cluster
from mpi4py import MPI

world = MPI.COMM_WORLD
fullspeed.enable()
if sys.argv[1] == "agree":
    fullspeed.cluster.agree(world)

import cluster_work  # noqa: E402

rows = world.gather(cluster_work.row())
if world.Get_rank() == 0:
    print(json.dumps(rows))

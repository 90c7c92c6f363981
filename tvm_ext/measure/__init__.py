"""Kernels of the zoo, built by TVM and timed on this machine or over TVM's RPC: the sample source ``host``.

>>> from memstow.tvm_ext.measure import host_source
>>> source = host_source(models=["dlrm"], sizes=["tiny"])
>>> source.programs()
['dlrm']
"""

from .calibrate import calibrate
from .host_source import host_source
from .tvm_measurer import LocalMeasurer, RpcMeasurer, connect
from .zoo_kernels import ZooKernels

__all__ = ["LocalMeasurer", "RpcMeasurer", "ZooKernels", "calibrate", "connect", "host_source"]

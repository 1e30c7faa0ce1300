"""Put on PYTHONPATH (make test-cpus): the weights of every model lie at addresses that are no multiple of 64 bytes.

Tensors read from a file lie anywhere, fresh ones at multiples of 64, and a sum may round differently at each. What a
lesson prints must not depend on it.
"""

from __future__ import annotations

import importlib.abc
import importlib.util
import sys


class _AfterTorch(importlib.abc.MetaPathFinder):
    """Waits until torch.nn.modules.module is imported, and then changes how a module keeps its weights."""

    def find_spec(self, name, path=None, target=None):
        if name != "torch.nn.modules.module":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        execute = spec.loader.exec_module

        def exec_module(module):
            execute(module)
            displace_after(module.Module)

        spec.loader.exec_module = exec_module
        return spec


def displace_after(module_class):
    """Displace a module's weights whenever it has loaded or converted them."""
    for name in ("load_state_dict", "_apply"):
        setattr(module_class, name, displacing(getattr(module_class, name)))


def displacing(method):
    def changed(self, *arguments, **options):
        result = method(self, *arguments, **options)
        for parameter in self.parameters():
            parameter.data = displaced(parameter.data)
        return result

    return changed


def displaced(tensor):
    """A copy that begins one element behind an aligned address."""
    room = tensor.new_empty(tensor.numel() + 1)
    room[1:] = tensor.reshape(-1)
    return room[1:].view(tensor.shape)


sys.meta_path.insert(0, _AfterTorch())

"""The inference form of FRCRN: the same function in fewer operations and fewer passes over memory.

What the training form does anew in every call is done once here: batch normalisation is folded
into the convolutions, and their kernels are built. Every class is the twin of the modules that its
constructor takes. What remains is arranged by measurement:

- A complex convolution takes three real ones instead of four (`products`).
- A transposed convolution of stride 2 over frequency is one convolution for the even rows and one
  for the odd rows, so that no zero between the rows is multiplied.
- Activations lie as [B, T, part, F, C], frames outermost. Any run of frames is then contiguous: a
  layer works through its frames in chunks that fit the cache, and its temporary memory does not
  grow with the length of the recording. Layers wait for one another only where attention needs the
  mean over all frames, so that the result is that of the whole recording.
- Attention's gates are multiplied in while a decoder gathers its input.

The encoders, decoders and memories of a causal network have twins of their own (`causal`), which
take a frame of a live stream in as few operations as there can be.
"""

from frcrn_app.inference.fused.network import FusedFRCRN, fuse

__all__ = ["FusedFRCRN", "fuse"]

"""What GPU tools and our own sampler print, as values; pure.

Belongs: the texts of nvidia-smi, the format of the sidecar's lines, GPU readings.
Never: connections, clocks, what is absurd, which source is believed.
Read first: readings.py, nvidia_smi.py, sidecar.py.
"""

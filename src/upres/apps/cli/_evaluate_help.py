"""What `upres evaluate --help` says below its options."""

from upres.metrics.protocol import PROTOCOLS
from upres.metrics.table import METRICS

EPILOG = """examples:
  upres evaluate esr_tm_x2 --data Set5 --protocol paper
  upres evaluate rlfn_c32b6 --data Set5 --scale 4 --json
  upres evaluate bicubic runs/mine/best.safetensors --data Set5 --scale 2 --json
  upres evaluate bicubic all --data Set5 Set14 --protocol all --out quality.json --markdown quality.md
  upres evaluate esr_tm_x2 --data Set5 --metrics psnr,ssimulacra2,niqe
  upres evaluate rlfn_c32b6 --data Set5 --self-ensemble
  upres evaluate input denoise --data PolyU50
  upres evaluate input denoiser.safetensors --data PolyU50
  upres evaluate denoise --data BSD100 --noise 25
  upres evaluate all --data /mnt/Urban100 --executor ray --address 10.0.0.1:6379

A data set is a folder of high-resolution pictures, or one that holds HR/ and LR_bicubic/X2/. For models of scale 1 it
holds noisy/ and clean/, or low/ and high/, or true pictures that --noise or --jpeg spoils.
With --out, what the file already answers is not measured again: run the same command to go on.

protocols (at scale 1 without a border):
{protocols}

metrics:
{metrics}
""".format(
    protocols="\n".join(f"  {name:14s}{rules.summary}" for name, rules in PROTOCOLS.items()),
    metrics="\n".join(f"  {name:14s}{metric.heading}" for name, metric in METRICS.items()),
)

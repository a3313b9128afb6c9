"""What `upres upscale --help` says below its options."""

EPILOG = """size:
  --scale takes any positive number. The smallest native factor of the model (2, 3, 4; above 4 a chain of them, the
  smallest first: 8 is x2 then x4, 5 is x2 then x3 and a reduction) that reaches the wanted size runs, then one
  antialiased bicubic reduction. A scale of 1 or less needs no network. --width or --height alone keeps the proportions;
  both give exactly that size; --fit the largest size within the box.

faults:
  The file and the pixels tell JPEG compression, noise and blur. Where they are strong, networks that undo them are
  taken, else those for clean photographs; drawings and screens have their own. The printed line says what was found.
  --clean and --real force the one or the other, --strength mixes both and takes the time of both. --fast chooses among
  small networks in the same way; --best lets every network that enlarges work on the mirrored picture too and
  takes the mean: nearer to the truth, in twice the time.
  --crisp takes networks for photographs that look sharp: they draw edges and texture that are likely, not known.
  --crisp 0.5 mixes them with what the photograph gets otherwise, in twice the time. Drawings and screens keep theirs.
  --restore undoes noise, blocks and darkness first, by networks that do nothing else, and enlarges by the clean ones.

names:
  photo.jpg becomes photo_x2.jpg beside it (photo_w800.jpg for --width 800, photo_fit1920x1080.jpg for --fit). -o names
  another file, or a folder: one that exists, ends in / or is to take several pictures; folders below it are kept.
  --name '{stem}_{width}x{height}{suffix}' names them another way; two pictures of one name are an error.

repeated runs:
  .upres.jsonl in the output's folder notes what was made of what, and how. What is there already is skipped; what was
  made from another version of the picture or with other options is an error unless --overwrite is given. Pictures that
  upres made from others of the same run are not taken as inputs.

memory:
  --max-memory 500M bounds the process by working in bands of rows. The picture as read and as made stay in memory as
  a whole; what the limit cannot hold is refused. A picture is refused before it is decoded where that alone takes more
  than the limit, or more than is free, or where it has more pixels than --max-pixels.

examples:
  upres upscale photo.jpg
  upres upscale photo.jpg --fast
  upres upscale photo.jpg --best
  upres upscale old-camera/*.jpg --real
  upres upscale scan.jpg --strength 0.5
  upres upscale portrait.jpg --scale 4 --crisp
  upres upscale old.jpg --restore
  upres upscale texture.png --wrap both
  upres upscale holiday/ -o large/ --scale 3 --exclude '*_old*'
  upres upscale /mnt/holiday -o /mnt/large --executor ray --address 10.0.0.1:6379
  upres upscale logo.png --fit 1920x1080 --format webp --quality 90
  upres upscale - --format png < small.jpg > large.png
  upres upscale *.tif --model esr_tm_x2 --json"""

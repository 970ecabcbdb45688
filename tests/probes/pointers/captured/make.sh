#!/bin/sh
# How the archives here were made: `make.sh FOLDER` with dvc 3, git-annex, git-lfs and git on the PATH. Run once; the tests read what it left.
set -eu
mkdir "$1" && cd "$1"
pack() { tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=2026-01-01 --mode=u+w "$@"; }

mkdir dvc && cd dvc && git init -q . && dvc init -q && dvc config core.analytics false
dvc remote add -q -d lab 'https://ada:secret@data.example.org/store?sig=1'
printf 'one\n' > one.csv && dvc add -q one.csv
mkdir images && printf 'a\n' > images/a && mkdir images/deep && printf 'b\n' > 'images/deep/b: c' && dvc add -q images
cat > dvc.yaml <<'STAGES'
stages:
  fit:
    cmd: sort one.csv > model.txt && echo 1 > metrics.json
    deps: [one.csv]
    outs: [model.txt]
    metrics:
      - metrics.json:
          cache: false
STAGES
dvc repro -q
pack --exclude=.git --exclude=.dvc/tmp --exclude=runs -cf ../dvc.tar . && cd ..

mkdir annex && cd annex && git init -q && git annex init -q lab && mkdir data
printf 'one\n' > locked.bin && printf 'two\n' > data/unlocked.bin && printf 'three\n' > gone.bin && git annex add -q .
git annex unlock -q data/unlocked.bin
printf 'md5\n' > m.bin && git annex add -q --backend=MD5E m.bin
printf 'w\n' > noext && git annex add -q --backend=WORM noext
git commit -qm made && git annex drop -q --force gone.bin data/unlocked.bin
git remote add origin 'https://ada:secret@data.example.org/iris.git' && git config remote.origin.annex-uuid 11111111-2222-3333-4444-555555555555
pack -cf ../annex.tar data gone.bin locked.bin m.bin noext .git/config .git/annex/objects && cd ..

mkdir from && cd from && git init -q && git lfs install --local > /dev/null && git lfs track '*.bin' > /dev/null
printf 'five\n' > a.bin && printf 'plain\n' > b.txt && git add . && git commit -qm made && cd ..
GIT_LFS_SKIP_SMUDGE=1 git clone -q from lfs && cd lfs && git config remote.origin.url 'https://ada:secret@git.example.org/iris.git'
pack -cf ../lfs.tar a.bin b.txt .gitattributes .git/config && cd ..

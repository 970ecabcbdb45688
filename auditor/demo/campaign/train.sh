#!/bin/bash
#SBATCH --job-name=train
#SBATCH --ntasks=1
#SBATCH --mem=200M
#SBATCH --time=5
#AUDITOR label=oscillator
# usage: train.sh ITERATION        learns from all slices so far, writes iterN/model
export OMP_NUM_THREADS=1
slices=()
for ((n = 0; n <= $1; n++)); do slices+=(iter"$n"/sims/slice_*.csv); done
python3 train.py "${slices[@]}" --out "iter$1/model" --seed 7

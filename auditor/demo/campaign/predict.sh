#!/bin/bash
#SBATCH --job-name=predict
#SBATCH --ntasks=1
#SBATCH --mem=200M
#SBATCH --time=5
#AUDITOR label=oscillator
# usage: predict.sh ITERATION      reads iterN/model, proposes iter(N+1)/params.csv; loop.json holds the iteration and the stop rule
python3 predict.py --model "iter$1/model" --out "iter$(($1 + 1))" --iteration "$1" --seed "$((100 + $1))"

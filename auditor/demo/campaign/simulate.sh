#!/bin/bash
#SBATCH --job-name=simulate
#SBATCH --array=0-3%2
#SBATCH --ntasks=1
#SBATCH --mem=200M
#SBATCH --time=5
#AUDITOR label=oscillator
# usage: simulate.sh ITERATION     integrates iterN/params.csv, one slice per array task
python3 simulate.py --params "iter$1/params.csv" --out "iter$1/sims/slice_$SLURM_ARRAY_TASK_ID.csv" --task "$SLURM_ARRAY_TASK_ID" --tasks 4

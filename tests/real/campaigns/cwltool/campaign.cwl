#!/usr/bin/env cwl-runner
# simulate -> train -> predict -> simulate: two turns of the loop, written out, since CWL 1.2 has none.
cwlVersion: v1.2
class: Workflow
requirements:
  ScatterFeatureRequirement: {}
  MultipleInputFeatureRequirement: {}
inputs:
  seeds: int[]
  chosen: int[]
outputs:
  model: {type: File, outputSource: retrain/model}
steps:
  simulate:
    run: simulate.cwl
    scatter: seed
    in: {seed: seeds}
    out: [result]
  train:
    run: train.cwl
    in: {results: simulate/result}
    out: [model]
  predict:
    run: predict.cwl
    in: {model: train/model}
    out: [next]
  simulate_again:
    run: simulate.cwl
    scatter: seed
    in: {seed: chosen, hint: predict/next}
    out: [result]
  retrain:
    run: train.cwl
    in: {results: simulate_again/result}
    out: [model]

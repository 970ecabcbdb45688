cwlVersion: v1.2
class: Workflow
inputs: {seed: int}
outputs: {}
steps:
  simulate: {run: simulate.cwl, in: {seed: seed}, out: [result]}
  explode:
    in: {result: simulate/result}
    out: []
    run:
      class: CommandLineTool
      baseCommand: [sh, -c, 'exit 3']
      inputs: {result: File}
      outputs: {}

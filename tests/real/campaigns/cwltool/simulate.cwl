cwlVersion: v1.2
class: CommandLineTool
baseCommand: [sh, -c, 'echo "$0" "$0" > result.txt']
requirements:
  ResourceRequirement: {coresMin: 1, ramMin: 64}
hints:
  DockerRequirement: {dockerPull: "debian:12"}
inputs:
  seed: {type: int, inputBinding: {position: 1}}
  hint: {type: File?}
outputs:
  result: {type: File, outputBinding: {glob: result.txt}}

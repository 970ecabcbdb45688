cwlVersion: v1.2
class: CommandLineTool
baseCommand: [cat]
stdout: model.txt
hints:
  DockerRequirement: {dockerPull: "debian:12"}
  SoftwareRequirement:
    packages:
      coreutils: {version: ["9.1"]}
inputs:
  results: {type: 'File[]', inputBinding: {position: 1}}
outputs:
  model: {type: stdout}

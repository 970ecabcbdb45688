cwlVersion: v1.2
class: CommandLineTool
baseCommand: [sort]
stdout: next.txt
inputs:
  model: {type: File, inputBinding: {position: 1}}
outputs:
  next: {type: stdout}

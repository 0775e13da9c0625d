"""Built files: whole, gzip sibling and segments of each dataset, and the index entry that says which are in force.

    <store>/41/activities/
        index.json                      the entry: replaced in one step, and nothing else ever is
        20261123T183300Z-3fa9c1.xml     the whole file; .xml.gz beside it
        20261123T183300Z-3fa9c1.2.xml   segment 2; .xml.gz beside it
        20261123T183300Z-3fa9c1.jsonl   the build report

Files have names of their own for each build, so a build in progress, a killed one and the one being served never touch
each other's bytes. `build` writes, `shelf` reads, `entry` is what passes between them.
"""

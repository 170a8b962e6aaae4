SELECT * FROM source_file

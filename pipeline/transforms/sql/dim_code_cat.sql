-- dim_code_cat: the latest category of each code.
SELECT proc_cd, procedure_set, procedure_class, procedure_group
FROM dim_code_cat_history
QUALIFY row_number() OVER (PARTITION BY proc_cd ORDER BY effective_from DESC) = 1

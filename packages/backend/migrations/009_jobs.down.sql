DROP TABLE attempts, job_batches, job_fields, jobs, worker_instances;

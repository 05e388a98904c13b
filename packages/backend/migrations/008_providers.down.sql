DROP TABLE provider_answers, workspace_providers;

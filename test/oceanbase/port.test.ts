/** The cases of the ports, on the models and on the SQL adapters. */
import { clusterCases } from "./cluster-cases.ts";
import { clustersInMemory, clustersOverSql, tenantsInMemory, tenantsOverSql } from "./sql-rigs.ts";
import { tenantCases } from "./tenant-cases.ts";

clusterCases("the model", clustersInMemory);
clusterCases("SQL", clustersOverSql);
tenantCases("the model", tenantsInMemory);
tenantCases("SQL", tenantsOverSql);

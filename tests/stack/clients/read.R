# Read a published database: tables of schema bi, and a figure.
arguments <- commandArgs(trailingOnly = TRUE)
suppressMessages(library(RPostgreSQL))
server <- dbConnect(
  PostgreSQL(), host = "127.0.0.1", port = as.integer(arguments[1]), dbname = arguments[2],
  user = arguments[3], password = arguments[4]
)
tables <- dbGetQuery(server, "select table_name from information_schema.tables where table_schema = 'bi'")
cat(paste0("table|", tables$table_name, "\n"), sep = "")
figure <- dbGetQuery(server, arguments[5])
cat("figure|", figure[1, 1], "|", format(figure[1, 2], digits = 17), "\n", sep = "")
invisible(dbDisconnect(server))

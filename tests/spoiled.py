"""Bad payloads of the suites that came with the bilateral, digital, regional and curated sources, and their marts.

Statements that spoil a good table, and for each expectation that must fail, words of its detail. Each name is
one of its suite; `tests/test_expectations.py` runs them and asks that none be missing.
"""
# ruff: noqa: E501 (tables: one statement, and one finding, to a line)

from __future__ import annotations

# source, name, statements, findings, whether a vintage stood before
RAW: tuple[tuple[str, str, tuple[str, ...], dict[str, str], bool], ...] = (
    (
        "wto_merchandise",
        "another layout",
        ("alter table rows rename column value to amount",),
        {
            "columns are as agreed": "column 23 is 'amount', agreed was 'value'",
        },
        False,
    ),
    (
        "wto_merchandise",
        "an empty answer",
        ("delete from rows",),
        {
            "there are rows": "found 0",
            "China and the world are there": "reporter_code 000, indicator_code ITS_MTV_AM: the newest "
            "value is of n",
        },
        False,
    ),
    (
        "wto_merchandise",
        "spoiled cells",
        (
            "insert into rows select * from rows where reporter_code='156' and partner_code='000' and "
            "product_code='TO' and year='2010'",
            "insert into rows select * replace(null as year) from rows where reporter_code='156' and "
            "partner_code='000' and product_code='TO' and year='2011'",
            "insert into rows select * replace (null as _file,'1950' as year,'LAX' as reporter_code) from "
            "rows where reporter_code='156' and partner_code='000' and year='2021' limit 1",
            "update rows set year='2205' where reporter_code='076' and year='2001'",
            "update rows set reporter_code='QQQ' where reporter_code='008' and year='2001'",
            "update rows set indicator='Merchandise exports' where reporter_code='012' and year='2001'",
            "update rows set product_code='XX' where reporter_code='040' and year='2001'",
            "update rows set partner='Elsewhere' where reporter_code='024' and year='2001'",
            "update rows set value_flag_code='P' where reporter_code='028' and year='2001'",
            "update rows set reporter='TÃ¼rkiye' where reporter_code='792'",
            "update rows set value=null where reporter_code='031' and year='2001'",
            "update rows set value='1,2' where reporter_code='032' and year='2001'",
            "update rows set value='-4' where reporter_code='036' and year='2001'",
            "update rows set value='9' where reporter_code='000' and year='1999'",
        ),
        {
            "key is filled": "no year in file merchandise_values_annual_dataset.zip row 110034",
            "key is unique": " times (",
            "lineage is filled": "a row has no file, or no row number from 1 on (1 row, first in file (n",
            "economy codes are known": "unknown economy code 'QQQ' (35 rows, first in file "
            "merchandise_values_",
            "indicators are known": "unknown indicator 'ITS_MTV_AM' labelled 'Merchandise exports' (18 rows",
            "products are known": "unknown product 'XX' (36 rows, first in file merchandise_values_annual",
            "partners are known": "unknown partner '000' labelled 'Elsewhere' (6 rows, first in file merc",
            "flags are known": "unknown flag 'P' labelled '' (2 rows, first in file merchandise_values",
            "names are spelled in their encoding": "reporter 792 is spelled 'TÃ¼rkiye' (1452 rows, first in "
            "file merchandi",
            "every row has a value": "no value (36 rows, first in file merchandise_values_annual_dataset.zip",
            "values are plain numbers": "value '1,2' is no plain number (36 rows, first in file "
            "merchandise_val",
            "values are not negative": "reporter 036, ITS_MTV_AM, product AG, year 2001 is -4 (file "
            "merchandis",
            "years are plausible": "year '2205' is no year from 1940 to 2100 (36 rows, first in file merch",
            "years run without a gap": "no rows between year 2023 and 2205",
            "China and the world are there": "reporter_code 000, indicator_code ITS_MTV_AM: the newest "
            "value is of 2",
            "economies add up to the world": "year 1999, indicator_code ITS_MTV_AM: economies add up to "
            "64995566.7 %",
        },
        False,
    ),
    (
        "wto_merchandise",
        "cut short, without China, in thousands",
        (
            "delete from rows where reporter_code='156' and year>'2020'",
            "delete from rows where year='2023'",
            "delete from rows where reporter_code between '300' and '600'",
            "update rows set value=cast(cast(value as bigint)*1000 as varchar)",
        ),
        {
            "the newest year does not go back": "the newest year is 2022, in the last vintage it was 2023",
            "economies add up to the world": "year 1948, indicator_code ITS_MTV_AM: economies add up to "
            "78.8 % of th",
            "China has the right order of magnitude": "China 2015, indicator_code ITS_MTV_AX: 2273468000 is "
            "not within half a",
            "no rows are lost": "there are 146240 rows, the last vintage had 231391 (at least 95 % are",
            "no values are lost": "there are 146240 values, the last vintage had 231391 (at least 95 % ar",
            "no series jumps in scale": "series China, ITS_MTV_AM, AG: the median of 41 values is 1000.0 "
            "times",
            "most values stand as they were": "100.0 % of 137460 common values moved by more than 1 % (at "
            "most 30 % i",
        },
        True,
    ),
    (
        "wto_services",
        "another layout",
        ("alter table rows rename column value to amount",),
        {
            "columns are as agreed": "column 23 is 'amount', agreed was 'value'",
        },
        False,
    ),
    (
        "wto_services",
        "an empty answer",
        ("delete from rows",),
        {
            "there are rows": "found 0",
            "China and the world are there": "reporter_code 000, indicator_code ITS_CS_AM6: the newest "
            "value is of n",
        },
        False,
    ),
    (
        "wto_services",
        "spoiled cells",
        (
            "insert into rows select * from rows",
            "update rows set year=null where _row=9",
            "update rows set _file=null where _row=8",
            "insert into rows select * replace('2205' as year) from rows where _row=2 limit 1",
            "update rows set reporter_code='QQQ' where _row=6",
            "update rows set indicator='Commercial services imports' where _row=2",
            "update rows set product_code='XX' where _row=3",
            "update rows set value_flag_code='Z' where _row=4",
            "update rows set value=null where _row=5",
            "update rows set value='1,2' where _row=6",
        ),
        {
            "key is filled": "no year in file services_annual_dataset.zip row 9",
            "key is unique": " times (",
            "lineage is filled": "a row has no file, or no row number from 1 on (2 rows, first in file (",
            "economy codes are known": "unknown economy code 'QQQ' (2 rows, first in file "
            "services_annual_data",
            "indicators say their flow": "indicator 'ITS_CS_AX6' labelled 'Commercial services imports' (3 "
            "rows,",
            "products are known": "unknown product 'XX' (2 rows, first in file services_annual_dataset.zi",
            "flags are known": "unknown flag 'Z' labelled '' (2 rows, first in file services_annual_da",
            "every row has a value": "no value (2 rows, first in file services_annual_dataset.zip row 5)",
            "values are plain numbers": "value '1,2' is no plain number (2 rows, first in file "
            "services_annual_",
            "years are plausible": "year '2205' is no year from 1940 to 2100 (1 row, first in file service",
            "years run without a gap": "no rows between year 2021 and 2205",
            "China and the world are there": "reporter_code 000, indicator_code ITS_CS_AM6: the newest "
            "value is of n",
        },
        False,
    ),
    (
        "wto_services",
        "cut short, without China, in thousands",
        (
            "delete from rows where _row in (2,3)",
            "update rows set year='2019', value=cast(cast(value as double)*1000 as varchar)",
        ),
        {
            "the newest year does not go back": "the newest year is 2019, in the last vintage it was 2021",
            "China and the world are there": "reporter_code 156, indicator_code ITS_CS_AM6: the newest "
            "value is of n",
            "no rows are lost": "there are 5 rows, the last vintage had 28 (at least 95 % are expected)",
            "no values are lost": "there are 5 values, the last vintage had 28 (at least 95 % are expecte",
            "most values stand as they were": "100.0 % of 5 common values moved by more than 1 % (at most "
            "30 % is exp",
        },
        True,
    ),
    (
        "wto_services",
        "three years, in thousands",
        (
            "create table first as from rows",
            "insert into rows select * replace ('2018' as year) from first",
            "insert into rows select * replace ('2019' as year) from first",
            "insert into rows select * replace ('2020' as year) from first",
            "update rows set value = cast(cast(value as double) * 1000 as varchar)",
        ),
        {
            "no series jumps in scale": "series China, ITS_CS_AM6: the median of 4 values is 1000.0 times "
            "that",
            "most values stand as they were": "100.0 % of 28 common values moved by more than 1 % (at most "
            "30 % is ex",
        },
        True,
    ),
    (
        "wto_digital",
        "another layout",
        ("alter table rows rename column value to amount",),
        {
            "columns are as agreed": "column 10 is 'amount', agreed was 'value'",
        },
        False,
    ),
    (
        "wto_digital",
        "an empty answer",
        ("delete from rows",),
        {
            "there are rows": "found 0",
            "China is there": "reporter_code CN, flow M: the newest value is of no year, the table re",
        },
        False,
    ),
    (
        "wto_digital",
        "spoiled cells",
        (
            "insert into rows select * from rows",
            "update rows set year=null where _row=6",
            "update rows set _file=null where _row=5",
            "insert into rows select * replace('2205' as year) from rows where _row=2 limit 1",
            "update rows set reporter_code='QQ' where _row=4",
            "update rows set indicator='XX' where _row=5",
            "update rows set value='-1' where _row=3",
            "update rows set value='1,2' where _row=2",
        ),
        {
            "key is filled": "no year in file DDS_bulk_download.csv row 6",
            "key is unique": " times (",
            "lineage is filled": "a row has no file, or no row number from 1 on (2 rows, first in file (",
            "economy codes are known": "unknown economy code 'QQ' (2 rows, first in file "
            "DDS_bulk_download.csv",
            "indicators are known": "None",
            "values are plain numbers": "value '1,2' is no plain number (3 rows, first in file "
            "DDS_bulk_downloa",
            "values are not negative": "reporter CN, flow M, DDS, year 2021 is -1 (file "
            "DDS_bulk_download.csv",
            "years are plausible": "year '2205' is no year from 1940 to 2100 (1 row, first in file DDS_bul",
            "years run without a gap": "no rows between year 2021 and 2205",
            "China is there": "reporter_code CN, flow M: the newest value is of 2021, the table reach",
        },
        False,
    ),
    (
        "wto_digital",
        "cut short, without China, in thousands",
        (
            "delete from rows where _row=3",
            "insert into rows select * replace('2020' as year) from rows where _row=2",
            "insert into rows select * replace('2018' as year) from rows where _row=2",
            "update rows set year='2019' where year='2021'",
            "update rows set value=cast(cast(value as double)*1000 as varchar)",
        ),
        {
            "key is unique": " times (",
            "the newest year does not go back": "the newest year is 2020, in the last vintage it was 2021",
            "China is there": "reporter_code CN, flow M: the newest value is of no year, the table re",
            "no rows are lost": "there are 7 rows, the last vintage had 20 (at least 95 % are expected)",
            "no values are lost": "there are 7 values, the last vintage had 20 (at least 95 % are expecte",
            "no series jumps in scale": "series China, flow X: the median of 5 values is 1000.0 times that "
            "of t",
            "most values stand as they were": "100.0 % of 7 common values moved by more than 1 % (at most "
            "30 % is exp",
        },
        True,
    ),
    (
        "data360_digital",
        "another layout",
        ("alter table rows rename column obs_value to amount",),
        {
            "columns are as agreed": "column 6 is 'amount', agreed was 'obs_value'",
        },
        False,
    ),
    (
        "data360_digital",
        "an empty answer",
        ("delete from rows",),
        {
            "there are rows": "found 0",
            "China and the world are there": "ref_area CHN, indicator UNCTAD_DE_DIG_SERVTRADE_ANN_EXP: the "
            "newest va",
        },
        False,
    ),
    (
        "data360_digital",
        "spoiled cells",
        (
            "insert into rows select * from rows where ref_area='BRA' and time_period='2012'",
            "update rows set time_period=null where ref_area='BRA' and time_period='2013'",
            "update rows set _row=null where ref_area='BRA' and time_period='2014'",
            "update rows set time_period='2205' where ref_area='BRA' and time_period='2015'",
            "update rows set ref_area='QQQ' where ref_area='ALB'",
            "update rows set indicator_label='Exports' where ref_area='DZA'",
            "update rows set unit_mult='3' where ref_area='AGO'",
            "update rows set obs_status='P' where ref_area='AND' or ref_area='ARG'",
            "update rows set obs_value=null where ref_area='ARM'",
            "update rows set obs_value='n/a' where ref_area='AUS'",
            "update rows set obs_value='-3' where ref_area='AUT'",
            "update rows set obs_value='7' where ref_area='WLD' and time_period='2016'",
        ),
        {
            "key is filled": "no time_period in file UNCTAD_DE.csv row 383",
            "key is unique": " times (",
            "lineage is filled": "a row has no file, or no row number from 1 on (2 rows, first in file U",
            "area codes are known": "unknown economy code 'QQQ' (28 rows, first in file UNCTAD_DE.csv row 4",
            "indicators are known": "unknown indicator 'UNCTAD_DE_DIG_SERVTRADE_ANN_EXP' labelled 'Exports'",
            "units are known": "unknown unit 'USD' labelled '3' (28 rows, first in file UNCTAD_DE.csv",
            "statuses are known": "unknown status 'P' labelled 'Normal value' (28 rows, first in file UNC",
            "a cell has a value or a reason": "no value, and status A (28 rows, first in file UNCTAD_DE.csv "
            "row 128)",
            "values are plain numbers": "value 'n/a' is no plain number (28 rows, first in file "
            "UNCTAD_DE.csv r",
            "values are not negative": "area AUT, UNCTAD_DE_DIG_SERVTRADE_ANN_EXP, year 2010 is -3 (file "
            "UNCTA",
            "years are plausible": "year '2205' is no year from 1940 to 2100 (2 rows, first in file UNCTAD",
            "years run without a gap": "no rows between year 2023 and 2205",
            "China and the world are there": "ref_area CHN, indicator UNCTAD_DE_DIG_SERVTRADE_ANN_EXP: the "
            "newest va",
            "economies add up to the world": "year 2016, indicator UNCTAD_DE_DIG_SERVTRADE_ANN_EXP: "
            "economies add up",
        },
        False,
    ),
    (
        "data360_digital",
        "cut short, without China, in thousands",
        (
            "delete from rows where ref_area='CHN' and time_period>'2019'",
            "delete from rows where time_period='2023'",
            "delete from rows where ref_area between 'D' and 'H'",
            "update rows set obs_value=cast(cast(obs_value as double)*1000 as varchar)",
        ),
        {
            "the newest year does not go back": "the newest year is 2022, in the last vintage it was 2023",
            "China and the world are there": "ref_area CHN, indicator UNCTAD_DE_DIG_SERVTRADE_ANN_EXP: the "
            "newest va",
            "economies add up to the world": "year 2010, indicator UNCTAD_DE_DIG_SERVTRADE_ANN_EXP: "
            "economies add up",
            "China has the right order of magnitude": "China 2015, indicator "
            "UNCTAD_DE_DIG_SERVTRADE_ANN_EXP: 91104000.0 is n",
            "no rows are lost": "there are 4552 rows, the last vintage had 5721 (at least 95 % are expe",
            "no values are lost": "there are 4285 values, the last vintage had 5256 (at least 95 % are ex",
            "no series jumps in scale": "series China, UNCTAD_DE_DIG_SERVTRADE_ANN_EXP: the median of 10 "
            "values",
            "most values stand as they were": "100.0 % of 4252 common values moved by more than 1 % (at "
            "most 30 % is",
        },
        True,
    ),
    (
        "atlas_services",
        "another layout",
        ("alter table rows rename column pci to amount",),
        {
            "columns are as agreed": "column 7 is 'amount', agreed was 'pci'",
        },
        False,
    ),
    (
        "atlas_services",
        "an empty answer",
        ("delete from rows",),
        {
            "there are rows": "found 0",
            "China is there": "country_id 156, product_id 4001: the newest value is of no year, the t",
        },
        False,
    ),
    (
        "atlas_services",
        "spoiled cells",
        (
            "insert into rows select * from rows where country_id='76' and year='2012'",
            "update rows set year=null where country_id='76' and year='2013'",
            "update rows set _row=null where country_id='76' and year='2014'",
            "update rows set year='2205' where country_id='76' and year='2015'",
            "update rows set country_id='999999' where country_id='8'",
            "update rows set product_id='4009' where country_id='12'",
            "update rows set export_value='n/a' where country_id='24'",
            "update rows set import_value=null where country_id='28'",
            "update rows set export_value='-5.0' where country_id in('31','32','36','40','44')",
        ),
        {
            "key is filled": "no year in file services_unilateral_country_product_year_4.dta row 685",
            "key is unique": " times (",
            "lineage is filled": "a row has no file, or no row number from 1 on (5 rows, first in file s",
            "country codes are known": "unknown economy code '999999' (215 rows, first in file "
            "services_unilat",
            "products are known": "unknown product '4009' (215 rows, first in file services_unilateral_co",
            "values are plain numbers": "value 'n/a' is no plain number (215 rows, first in file "
            "services_unila",
            "both values are there": "no value (215 rows, first in file services_unilateral_country_product_",
            "few values are negative": "2.52 % of the rows have a negative value, at most 1 % is expected",
            "exports balance imports": "product 4000, year 1981: exports add up to 99.179 % of imports",
            "years are plausible": "year '2205' is no year from 1940 to 2100 (5 rows, first in file servic",
            "years run without a gap": "no rows between year 2022 and 2205",
            "China is there": "country_id 156, product_id 4001: the newest value is of 2022, the tabl",
        },
        False,
    ),
    (
        "atlas_services",
        "mostly zeros",
        ("update rows set export_value='0.0' where country_id<'600' and country_id<>'156'",),
        {
            "most values are not missing": "79.2 % of the exports are zero, at most 50 % is expected",
            "exports balance imports": "product 4000, year 1980: exports add up to 43.388 % of imports",
        },
        False,
    ),
    (
        "atlas_services",
        "cut short, without China, in thousands",
        (
            "delete from rows where country_id='156' and year>'2018'",
            "delete from rows where year='2022'",
            "delete from rows where country_id between '300' and '500'",
            "update rows set export_value=cast(cast(export_value as double)*1000 as varchar)",
        ),
        {
            "exports balance imports": "product 4000, year 1980: exports add up to 99999.998 % of imports",
            "the newest year does not go back": "the newest year is 2021, in the last vintage it was 2022",
            "China is there": "country_id 156, product_id 4001: the newest value is of 2018, the tabl",
            "China has the right order of magnitude": "China 2015, product_id 4001: 44968718336000.0 is not "
            "within half and d",
            "no rows are lost": "there are 31275 rows, the last vintage had 44505 (at least 95 % are ex",
            "no values are lost": "there are 37281 values, the last vintage had 53916 (at least 95 % are",
            "no series jumps in scale": "series China, product 4000: the median of 6 values is 1000.0 times "
            "tha",
            "most values stand as they were": "100.0 % of 18263 common values moved by more than 1 % (at "
            "most 30 % is",
        },
        True,
    ),
    (
        "curated",
        "another layout",
        ("alter table rows rename column note to remark",),
        {
            "columns are as agreed": "column 13 is 'remark', agreed was 'note'",
        },
        False,
    ),
    (
        "curated",
        "an empty answer",
        ("delete from rows",),
        {
            "there are rows": "found 0",
        },
        False,
    ),
    (
        "curated",
        "spoiled cells",
        (
            "update rows set flow = null where area = 'Hainan' and period = '2021' and measure = 'growth'",
            "insert into rows select * from rows where _file = 'balances_by_category.csv' and _row = 2",
            "update rows set _row = 0 where _file = 'balances_by_category.csv' and _row = 3",
            "update rows set area = 'Atlantis' where _file = 'balances_by_category.csv' and _row = 4",
            "update rows set service = 'Diplomacy' where _file = 'balances_by_category.csv' and _row = 5",
            "update rows set unit = 'dozen' where _file = 'balances_by_category.csv' and _row = 6",
            "update rows set value = '1,234.5' where _file = 'balances_by_category.csv' and _row = 7",
            "insert into rows select * replace ('https://example.org/' as page, '99' as value, 'stated' as "
            "status) from rows where _file = 'balances_by_category.csv' and _row = 8",
            "update rows set value = '99999.9' where period = '2021' and area = 'China' and measure = "
            "'trade' and service = 'S' and flow = 'total' and currency = 'CNY'",
        ),
        {
            "key is filled": "no period/area/area_type/measure/service/flow/page in file regional_fi",
            "key is unique": " times (",
            "lineage is filled": "a row has no file, or no row number from 1 on (1 row, first in file ba",
            "areas are known": "unknown area 'Atlantis, economy' (1 row, first in file balances_by_cat",
            "services are known": "unknown service 'Diplomacy' (1 row, first in file balances_by_category",
            "units are known": "unknown unit 'dozen' (1 row, first in file balances_by_category.csv ro",
            "values are plain numbers": "value '1,234.5' is no plain number (1 row, first in file "
            "balances_by_c",
            "two pages that are stated agree": "China, 2003, trade S balance is stated as -84.8 and 99 100 "
            "million (2",
            "flows fit together": "China, 2021, S: exports 25435.0 and imports 27547.7 do not make the to",
        },
        False,
    ),
    (
        "curated",
        "cut short",
        ("delete from rows where _row > 20",),
        {
            "no rows are lost": "there are 76 rows, the last vintage had 527 (at least 95 % are expecte",
        },
        True,
    ),
    (
        "mofcom_totals",
        "another layout",
        ("alter table rows rename column year to period",),
        {
            "columns are as agreed": "column 1 is 'period', agreed was 'year'",
        },
        False,
    ),
    (
        "mofcom_totals",
        "an empty answer",
        ("delete from rows",),
        {
            "there are rows": "found 0",
        },
        False,
    ),
    (
        "mofcom_totals",
        "spoiled cells",
        (
            "insert into rows select * from rows where year = '2012'",
            "update rows set total_usd = '3 April' where year = '2012'",
            "update rows set imports_rmb = '1' where year = '2021'",
            "update rows set exports_usd = '100', imports_usd = '50', total_usd = '170', balance_usd = '20' "
            "where year = '2020'",
            "update rows set year = null where year = '2017'",
            "insert into rows select * replace ('1066' as year, 0 as _row) from rows where year = '2021'",
        ),
        {
            "key is filled": "no year in file page-1.json row 3",
            "key is unique": " times (",
            "lineage is filled": "a row has no file, or no row number from 1 on (1 row, first in file pa",
            "years are plausible": "year '1066' is no year from 1982 to 2100 (1 row, first in file page-1.",
            "amounts are in the agreed form": "2012: '3 April' is neither an amount nor a sign for a "
            "missing one (fil",
            "exports and imports make the total in yuan": "year 1066: exports 25,435.0 and imports 1 do not "
            "make 52,982.7 (file p",
            "exports and imports make the total in dollars": "year 2020: exports 100 and imports 50 do not "
            "make 170 (file page-1.jso",
            "the balance is exports less imports in yuan": "year 1066: exports 25,435.0 less imports 1 is "
            "not -2,112.8 (file page-",
            "the balance is exports less imports in dollars": "year 2020: exports 100 less imports 50 is "
            "not 20 (file page-1.json row",
        },
        False,
    ),
    (
        "mofcom_totals",
        "cut short",
        ("delete from rows where year = '2021'",),
        {
            "no rows are lost": "there are 3 rows, the last vintage had 4 (at least 95 % are expected)",
        },
        True,
    ),
    (
        "nbs_accounts",
        "another layout",
        ("alter table rows rename column unit to measure",),
        {
            "columns are as agreed": "column 4 is 'measure', agreed was 'unit'",
        },
        False,
    ),
    (
        "nbs_accounts",
        "an empty answer",
        ("delete from rows",),
        {
            "there are rows": "found 0",
        },
        False,
    ),
    (
        "nbs_accounts",
        "spoiled cells",
        (
            "update rows set period = null where _row = 2",
            "insert into rows select * from rows where indicator = 'A020101' and period = '202410'",
            "update rows set _row = 0 where indicator = 'A020101' and period = '202409'",
            "update rows set indicator_name = '鱼' where indicator = 'A020101' and period = '202408'",
            "update rows set region = '990000' where indicator = 'A020101' and period = '202407'",
            "update rows set value = '5,1' where indicator = 'A020101' and period = '202406'",
            "update rows set value = '0', unit = '亿元' where indicator = 'A020101' and period = '202405'",
            "insert into rows (database, indicator, indicator_name, unit, region, period, value, _file, "
            "_row) values ('new.6', 'a', '地区生产总值', '亿元', '110000', '2023YY', '100', 'f.json', 1), ('new.6', "
            "'b', '第三产业增加值', '亿元', '110000', '2023YY', '200', 'f.json', 2)",
        ),
        {
            "key is filled": "no database/indicator/region/period in file easyquery.hgyd.industrial_",
            "key is unique": " times (",
            "lineage is filled": "a row has no file, or no row number from 1 on (1 row, first in file ea",
            "indicators are known": "unknown indicator 'hgyd 鱼' (1 row, first in file easyquery.hgyd.indust",
            "regions are known": "unknown region '990000' (1 row, first in file easyquery.hgyd.industria",
            "values are plain numbers": "value '5,1' is no plain number (1 row, first in file "
            "easyquery.hgyd.in",
            "a missing cell is not zero": "规上工业增加值_同比增长, 000000, 202405 is 0 (file "
            "easyquery.hgyd.industrial_valu",
            "the tertiary industry is a part of GDP": "110000, 2023YY: tertiary 200 of 100 (2 rows, first "
            "in file f.json row",
        },
        False,
    ),
    (
        "nbs_accounts",
        "cut short",
        ("delete from rows where period < '202411'",),
        {
            "no rows are lost": "there are 405 rows, the last vintage had 428 (at least 95 % are expect",
        },
        True,
    ),
)

MARTS: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    "spoiled rows of partners, regions, structure and claims": (
        (
            "insert into core.fct_bilateral_services_trade select * from core.fct_bilateral_services_trade "
            "where partner = 'USA' and period_label = '2015' and source = 'batis'",
            "update core.fct_bilateral_services_trade set _row = null where partner = 'USA' and "
            "period_label = '2016' and source = 'batis'",
            "update core.fct_bilateral_services_trade set partner = 'WLD' where partner = 'JPN' and "
            "period_label = '2016' and source = 'batis'",
            "insert into core.fct_regional_services_trade select * from core.fct_regional_services_trade "
            "where region = '310000'",
            "update core.fct_regional_services_trade set _file = null where region = '110000'",
            "update core.fct_regional_services_trade set status = 'contradicted' where region = '330000'",
            "update core.fct_regional_services_trade set value_million = -5 where region = '460000' and "
            "flow <> 'balance'",
            "update core.fct_regional_services_trade set value_million = 20000000 where region = 'NBS_EAST'",
            "insert into marts.mart_trade_partner select * from marts.mart_trade_partner where partner = "
            "'USA' and period_label = '2015' and source = 'batis'",
            "update marts.mart_trade_partner set partner = 'WLD' where partner = 'JPN' and period_label = "
            "'2016' and source = 'batis'",
            "update marts.mart_trade_partner set share_pct = 140 where partner = 'DEU' and period_label = "
            "'2016' and source = 'batis' and service = 'S'",
            "update marts.mart_trade_partner set partner_rank = partner_rank + 3 where period_label = "
            "'2017' and source = 'batis'",
            "insert into marts.mart_trade_partner_group select * from marts.mart_trade_partner_group where "
            "group_code = 'BRICS' and period_label = '2015' and source = 'batis'",
            "update marts.mart_trade_partner_group set members_counted = 99 where group_code = 'BRICS' and "
            "period_label = '2016' and source = 'batis'",
            "update marts.mart_trade_partner_group set share_pct = 140 where group_code = 'BRICS' and "
            "period_label = '2017' and source = 'batis' and service = 'S'",
            "insert into marts.mart_mirror select * from marts.mart_mirror where reporter = 'CHN' and "
            "partner = 'GBR' and period_label = '2017'",
            "update marts.mart_mirror set asymmetry_index = null, reason = null where reporter = 'CHN' and "
            "partner = 'GBR' and period_label = '2018'",
            "update marts.mart_mirror set asymmetry_index = 3 where reporter = 'CHN' and partner = 'GBR' "
            "and period_label = '2019'",
            "update marts.mart_mirror set difference_million = 1 where reporter_currency <> partner_currency",
            "insert into marts.mart_trade_regional select * from marts.mart_trade_regional where region = "
            "'310000'",
            "update marts.mart_trade_regional set basis = 'summed' where basis = 'incomplete'",
            "update marts.mart_trade_regional set share_pct = 140 where region = '110000' and flow <> "
            "'balance'",
            "insert into marts.mart_competitiveness select * from marts.mart_competitiveness where reporter "
            "= 'CHN' and period_label = '2015'",
            "update marts.mart_competitiveness set tc = 3 where reporter = 'CHN' and period_label = '2016'",
            "update marts.mart_competitiveness set rca = 2 where reporter = 'WLD' and period_label = '2017'",
            "update marts.mart_competitiveness set rca = 9 where reporter <> 'WLD' and period_label = '2018'",
            "insert into marts.mart_digital_trade select * from marts.mart_digital_trade where reporter = "
            "'BRA' and period_label = '2015'",
            "update marts.mart_digital_trade set share_of_services_pct = 140 where reporter = 'CHN' and "
            "period_label = '2016'",
            "update marts.mart_digital_trade set value_million = 2 * value_million where reporter = 'BRA' "
            "and period_label = '2017' and flow = 'total'",
            "update marts.mart_digital_trade set definition_source_url = null where reporter = 'BRA' and "
            "period_label = '2018'",
            "insert into marts.mart_reconciliation select * from marts.mart_reconciliation where reporter = "
            "'CHN' and period_label = '2015'",
            "update marts.mart_reconciliation set source_a = source_b, source_b = source_a where reporter = "
            "'CHN' and period_label = '2016' and source_a = 'safe_bop'",
            "update marts.mart_reconciliation set difference_million = difference_million + 1 where "
            "reporter = 'CHN' and period_label = '2017'",
            "update marts.mart_reconciliation set break_year = 2030 where break_year is not null and "
            "period_label = '2018'",
            "update marts.mart_reconciliation set difference_million = 200 where source_a = "
            "'unctad_services' and source_b = 'worldbank_wdi' and reporter = 'CHN' and period_label = '2012'",
            "insert into marts.mart_claim select * from marts.mart_claim where claim_id in (select "
            "min(claim_id) from marts.mart_claim)",
            "update marts.mart_claim set reason = 'none' where claim_id in (select max(claim_id) from "
            "marts.mart_claim)",
            "update marts.mart_claim set verdict = 'untestable' where verdict = 'near'",
            "update marts.mart_claim set difference = difference + 100 where verdict = 'differs'",
            "delete from marts.mart_claim where source = 'data360_digital'",
            "update marts.mart_claim set found_value = 0 where unit = 'rank'",
        ),
        {
            "core.fct_bilateral_services_trade: keys are unique": "stands 2 times",
            "core.fct_bilateral_services_trade: every row has a figure and its lineage": ": no "
            "value_million, file or row",
            "core.fct_bilateral_services_trade: no row is of the world or of oneself": "with WLD, 2016",
            "core.fct_regional_services_trade: key is unique": "stands 2 times",
            "core.fct_regional_services_trade: every row has a figure and its lineage": "has no "
            "value_million, file or row",
            "core.fct_regional_services_trade: contradicted figures stay out": "has the status contradicted",
            "core.fct_regional_services_trade: only a balance is negative": "is -5.0",
            "core.fct_regional_services_trade: no province trades more than the nation": "is 20000000.0",
            "marts.mart_claim: keys are unique": "stands 2 times",
            "marts.mart_claim: each claim has a verdict and a reason": "reason none",
            "marts.mart_claim: untestable means that nothing was found": "untestable with found value",
            "marts.mart_claim: verdicts keep to their bounds": "differs, claimed",
            "marts.mart_claim: the publishers that are there speak": "data360_digital has landed, but "
            "speaks to no claim",
            "marts.mart_claim: shares and ranks are possible": ", found 0",
            "marts.mart_claim: no claim is lost": "digital_export_share_2020, data360_digital, 2026-03-19 "
            "is in the stand",
            "marts.mart_competitiveness: keys are unique": "stands 2 times",
            "marts.mart_competitiveness: indices lie in their range": "tc is 3.0",
            "marts.mart_competitiveness: the world has no advantage over itself": "RCA of the world is 2.0",
            "marts.mart_competitiveness: advantages lie about the world's": "unctad_services, 2018, USD: "
            "the median RCA of 205 economies is 9.0",
            "marts.mart_digital_trade: keys are unique": "stands 2 times",
            "marts.mart_digital_trade: a summed group is a part of services": "140.0 % of services",
            "marts.mart_digital_trade: the total is exports and imports": "data360_digital, BRA, 2017, USD, "
            "DDS: exports 17209.0, imports 36688.0",
            "marts.mart_digital_trade: every figure names its definition": "definition from nowhere",
            "marts.mart_mirror: keys are unique": "stands 2 times",
            "marts.mart_mirror: an index or a reason": "index (none), reason (none)",
            "marts.mart_mirror: the index lies between 0 and 2": ": 3.0",
            "marts.mart_mirror: currencies are never mixed": "USD and GBP",
            "marts.mart_mirror: each pair stands from both sides": "pairs more from one side than from the "
            "other",
            "marts.mart_reconciliation: keys are unique": "stands 2 times",
            "marts.mart_reconciliation: a pair is two sources in order": "stands 2 times",
            "marts.mart_reconciliation: differences follow from the values": "batis, safe_bop, CHN, S",
            "marts.mart_reconciliation: a break year parts what agreed from what does not": "with break "
            "year 2030",
            "marts.mart_reconciliation: UNCTAD and the World Bank agree on China to 2014": "2012, exports: "
            "UNCTAD 201575.6, World Bank 201575.599551878",
            "marts.mart_trade_partner: keys are unique": "stands 2 times",
            "marts.mart_trade_partner: the world is no partner": "batis, CHN: 34 rows with partner WLD",
            "marts.mart_trade_partner: a partner's share of exports is at most the whole": "share_pct is 140",
            "marts.mart_trade_partner: the first place is taken wherever a place is": "the best place is 4",
            "marts.mart_trade_partner_group: keys are unique": "stands 2 times",
            "marts.mart_trade_partner_group: no more members are counted than there are": ": 99 of 4",
            "marts.mart_trade_partner_group: a group is at most the world": "share_pct is 140",
            "marts.mart_trade_regional: keys are unique": "stands 2 times",
            "marts.mart_trade_regional: a group is summed only when whole": "curated, BTH, 2017 total: "
            "summed with 1 of 3",
            "marts.mart_trade_regional: a region is at most the country": "share_pct is 140",
        },
    ),
    "cut short: partners, regions, structure and claims": (
        (
            "delete from core.fct_bilateral_services_trade where 'CHN' in (reporter, partner) and "
            "period_end > date '2012-01-01'",
            "delete from core.fct_regional_services_trade where flow <> 'exports'",
            "alter table core.fct_regional_services_trade rename column status to state",
            "delete from marts.mart_trade_partner where source = 'ons_services' or period_label > '2017'",
            "update marts.mart_trade_partner set value_million = 1000 * value_million where source = 'batis'",
            "delete from marts.mart_trade_partner_group where source = 'ons_services' or period_label > "
            "'2017'",
            "update marts.mart_trade_partner_group set value_million = 1000 * value_million where source = "
            "'batis'",
            "delete from marts.mart_mirror where reporter = 'CHN'",
            "update marts.mart_mirror set reporter_value_million = 1000 * reporter_value_million",
            "delete from marts.mart_trade_regional where flow <> 'exports'",
            "update marts.mart_trade_regional set value_million = 1000 * value_million",
            "delete from marts.mart_competitiveness where source = 'safe_bop'",
            "delete from marts.mart_competitiveness where source = 'unctad_services' and reporter = 'CHN'",
            "delete from marts.mart_digital_trade where source = 'safe_bop' or reporter > 'C'",
            "delete from marts.mart_reconciliation where reporter = 'CHN'",
            "delete from marts.mart_claim where verdict = 'reproduced'",
        ),
        {
            "core.fct_bilateral_services_trade: China is there in the latest years": "ons_services, A: "
            "China's newest period ends nowhere, the source reache",
            "core.fct_bilateral_services_trade: no source lost rows": "batis has 47260 rows, the standing "
            "release has 101660 (at least 90 % a",
            "core.fct_regional_services_trade: columns are as agreed": "column 13 is 'state', agreed was "
            "'status'",
            "core.fct_regional_services_trade: no source lost rows": "curated has 5 rows, the standing "
            "release has 31 (at least 90 % are exp",
            "marts.mart_claim: no claim is lost": "digital_export_share_2020, data360_digital, 2026-03-19 "
            "is in the stand",
            "marts.mart_competitiveness: no source lost rows": "safe_bop has 0 rows, the standing release "
            "has 3744 (at least 90 % are",
            "marts.mart_digital_trade: no source lost rows": "batis has 0 rows, the standing release has 90 "
            "(at least 95 % are expec",
            "marts.mart_mirror: each pair stands from both sides": "pairs more from one side than from the "
            "other",
            "marts.mart_mirror: no source lost rows": "batis has 0 rows, the standing release has 109 (at "
            "least 90 % are expe",
            "marts.mart_mirror: no source moved as a whole": "curated: the median of 5 values is 1000.0 "
            "times that of the standing r",
            "marts.mart_reconciliation: what two sources state is compared": "found 0 rows, though",
            "marts.mart_reconciliation: no pair lost rows": "batis with safe_bop has 0 rows, the standing "
            "release has 390 (at least",
            "marts.mart_trade_partner: each source that landed is in it": "ons_services has landed, but has "
            "no rows here",
            "marts.mart_trade_partner: no source lost rows": "batis has 88060 rows, the standing release "
            "has 101660 (at least 90 % a",
            "marts.mart_trade_partner: no source's latest period goes back": "batis, A: the newest period "
            "is 2017, in the standing release 2019",
            "marts.mart_trade_partner: no source moved as a whole": "batis: the median of 82492 values is "
            "1000.0 times that of the standing",
            "marts.mart_trade_partner_group: each source that landed is in it": "ons_services has landed, "
            "but has no rows here",
            "marts.mart_trade_partner_group: no source lost rows": "batis has 2958 rows, the standing "
            "release has 3502 (at least 90 % are",
            "marts.mart_trade_partner_group: no source's latest period goes back": "batis, A: the newest "
            "period is 2017, in the standing release 2019",
            "marts.mart_trade_partner_group: no source moved as a whole": "batis: the median of 2958 values "
            "is 1000.0 times that of the standing",
            "marts.mart_trade_regional: no source lost rows": "curated has 11 rows, the standing release "
            "has 61 (at least 90 % are ex",
            "marts.mart_trade_regional: no source moved as a whole": "curated: the median of 5 values is "
            "1000.0 times that of the standing r",
        },
    ),
    "empty: partners, regions, structure and claims": (
        (
            "delete from core.fct_bilateral_services_trade",
            "delete from marts.mart_competitiveness",
            "delete from marts.mart_digital_trade",
            "delete from marts.mart_reconciliation",
            "delete from marts.mart_claim",
            "delete from marts.mart_trade_regional",
        ),
        {
            "core.fct_bilateral_services_trade: each source that landed is in it": "batis has landed, but "
            "has no",
            "core.fct_bilateral_services_trade: no source lost rows": "batis has 0 rows, the standing "
            "release has 101660 (at least 90 % are e",
            "marts.mart_claim: there are rows": "found 0",
            "marts.mart_claim: the publishers that are there speak": "curated has landed, but speaks to no "
            "claim",
            "marts.mart_claim: no claim is lost": "bilateral_agreements_2020, -, - is in the standing "
            "release and not her",
            "marts.mart_competitiveness: there are rows": "found 0",
            "marts.mart_competitiveness: no source lost rows": "atlas_services has 0 rows, the standing "
            "release has 28357 (at least 90",
            "marts.mart_digital_trade: what is stated of digital trade is here": "data360_digital states",
            "marts.mart_digital_trade: no source lost rows": "batis has 0 rows, the standing release has 90 "
            "(at least 95 % are expec",
            "marts.mart_reconciliation: what two sources state is compared": "found 0 rows, though",
            "marts.mart_reconciliation: no pair lost rows": "batis with safe_bop has 0 rows, the standing "
            "release has 390 (at least",
            "marts.mart_trade_regional: each source that landed is in it": "curated has landed, but has no "
            "rows here",
            "marts.mart_trade_regional: no source lost rows": "curated has 0 rows, the standing release has "
            "61 (at least 90 % are exp",
        },
    ),
    "spoiled statistics and alerts of revisions": (
        (
            "insert into marts.mart_revision_summary select * from marts.mart_revision_summary where "
            "indicator = 'NY.GDP.MKTP.CD' and period_label = '2015'",
            "update marts.mart_revision_summary set period_label = '1066' where indicator = "
            "'NY.GDP.MKTP.CD' and period_label = '2014'",
            "update marts.mart_revision_summary set mean_revision = 2 * mean_revision where indicator = "
            "'NY.GDP.MKTP.CD' and period_label = '2013'",
            "update marts.mart_revision_summary set direction = 'both' where indicator = 'NY.GDP.MKTP.CD' "
            "and period_label = '2012'",
            "insert into marts.mart_revision_alert select * from marts.mart_revision_alert where indicator "
            "= 'NY.GDP.MKTP.CD' and period_label = '1990'",
            "update marts.mart_revision_alert set threshold_pct = 99 where indicator = 'NY.GDP.MKTP.CD' and "
            "period_label = '1982'",
            "update marts.mart_revision_alert set value = 1 where indicator = 'NY.GDP.MKTP.CD' and "
            "period_label = '1983'",
            "update marts.mart_revision set change_pct = 250 where indicator = 'BX.GSR.NFSV.CD' and kind = "
            "'changed'",
        ),
        {
            "marts.mart_revision_summary: keys are unique": "NY.GDP.MKTP.CD / A, 2015 stands 2 times",
            "marts.mart_revision_summary: every revised figure is there": "NY.GDP.MKTP.CD / A, 1066: here, "
            "and not revised",
            "marts.mart_revision_summary: counts are those of the revisions": "there are 144 revisions here "
            "and 143 in mart_revision",
            "marts.mart_revision_summary: the mean leads from the first value to the latest": "
            ""NY.GDP.MKTP.CD / A, 2013: from ",
            "marts.mart_revision_summary: the direction fits the means": "NY.GDP.MKTP.CD / A, 2012: "
            "direction both",
            "marts.mart_revision_alert: keys are unique": "NY.GDP.MKTP.CD / A, 1990, 2024-07-12 stands 2 "
            "times",
            "marts.mart_revision_alert: only what is beyond its threshold": "1982: 38.4",
            "marts.mart_revision_alert: each is a revision": "1983, 2024-07-12: not so in mart_revision",
            "marts.mart_revision_alert: no revision from zero or to many times the value is left out": "
            ""BX.GSR.NFSV.CD / A, 2021, 2024-07-12: changed by 250",
        },
    ),
}

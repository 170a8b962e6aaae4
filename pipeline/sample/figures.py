"""Published figures that the sample repeats: relative values, categories, places and localities.

What belongs here: numbers, codes and names that CMS, OMB, HUD and GeoNames publish, for the few codes and ZIPs of the
sample: the physician fee schedule, GPCI and anaesthesia factors of 2025, RBCS 2024, BETOS 2.0, CMS's ZIP file of
October 2025, HUD's crosswalk of June 2025, OMB's delineation of 2023. No description of a code is repeated. What must
not come in: anything invented (that is `codes` and `people`), and code.
"""
# ruff: noqa: RUF001 -- CMS's labels hold en dashes

from __future__ import annotations

# HCPCS, modifier, then the fee schedule's columns from STATUS CODE to OPPS MP, without the conversion factor.
PFS = """\
99213,,A,,1.30,1.35,,0.57,,0.10,2.75,1.97,0,XXX,0.00,0.00,0.00,0,0,0,0,0,,09,0,99,0.00,0.00,0.00
99214,,A,,1.92,1.80,,0.83,,0.15,3.87,2.90,0,XXX,0.00,0.00,0.00,0,0,0,0,0,,09,0,99,0.00,0.00,0.00
99203,,A,,1.60,1.61,,0.69,,0.16,3.37,2.45,0,XXX,0.00,0.00,0.00,0,0,0,0,0,,09,0,99,0.00,0.00,0.00
99204,,A,,2.60,2.21,,1.15,,0.24,5.05,3.99,0,XXX,0.00,0.00,0.00,0,0,0,0,0,,09,0,99,0.00,0.00,0.00
G0463,,X,,0.00,0.00,,0.00,,0.00,0.00,0.00,9,XXX,0.00,0.00,0.00,9,9,9,9,9,,09,0,99,0.00,0.00,0.00
G0439,,A,,1.92,1.86,,1.86,NA,0.13,3.91,3.91,0,XXX,0.00,0.00,0.00,0,0,0,0,0,,09,0,99,0.00,0.00,0.00
99395,,N,+,1.75,1.65,,0.69,,0.12,3.52,2.56,9,XXX,0.00,0.00,0.00,9,9,9,9,9,,09,0,99,0.00,0.00,0.00
71046,,A,,0.22,0.77,,0.77,NA,0.02,1.01,1.01,1,XXX,0.00,0.00,0.00,0,0,0,0,0,,09,0,99,2.76,2.76,0.05
71046,26,A,,0.22,0.08,,0.08,,0.01,0.31,0.31,1,XXX,0.00,0.00,0.00,0,0,0,0,0,,09,0,99,0.00,0.00,0.00
71046,TC,A,,0.00,0.69,,0.69,NA,0.01,0.70,0.70,1,XXX,0.00,0.00,0.00,0,0,0,0,0,,01,0,99,2.68,2.68,0.04
73562,,A,,0.18,1.02,,1.02,NA,0.02,1.22,1.22,1,XXX,0.00,0.00,0.00,0,3,0,0,0,,09,0,99,2.77,2.77,0.04
73562,26,A,,0.18,0.08,,0.08,,0.01,0.27,0.27,1,XXX,0.00,0.00,0.00,0,3,0,0,0,,09,0,99,0.00,0.00,0.00
73562,TC,A,,0.00,0.94,,0.94,NA,0.01,0.95,0.95,1,XXX,0.00,0.00,0.00,0,3,0,0,0,,09,0,99,2.69,2.69,0.03
77067,,A,,0.76,3.04,,3.04,NA,0.05,3.85,3.85,1,XXX,0.00,0.00,0.00,0,2,0,0,0,,09,0,99,0.00,0.00,0.00
77067,26,A,,0.76,0.28,,0.28,,0.04,1.08,1.08,1,XXX,0.00,0.00,0.00,0,2,0,0,0,,09,0,99,0.00,0.00,0.00
77067,TC,A,,0.00,2.76,,2.76,NA,0.01,2.77,2.77,1,XXX,0.00,0.00,0.00,0,2,0,0,0,,09,0,99,0.00,0.00,0.00
72110,,A,,0.26,1.28,,1.28,NA,0.02,1.56,1.56,1,XXX,0.00,0.00,0.00,0,0,0,0,0,,09,0,99,3.37,3.37,0.04
72110,26,A,,0.26,0.11,,0.11,,0.01,0.38,0.38,1,XXX,0.00,0.00,0.00,0,0,0,0,0,,09,0,99,0.00,0.00,0.00
72110,TC,A,,0.00,1.17,,1.17,NA,0.01,1.18,1.18,1,XXX,0.00,0.00,0.00,0,0,0,0,0,,01,0,99,3.26,3.26,0.03
73030,,A,,0.18,0.84,,0.84,NA,0.02,1.04,1.04,1,XXX,0.00,0.00,0.00,0,3,0,0,0,,09,0,99,2.77,2.77,0.05
73030,26,A,,0.18,0.08,,0.08,,0.01,0.27,0.27,1,XXX,0.00,0.00,0.00,0,3,0,0,0,,09,0,99,0.00,0.00,0.00
73030,TC,A,,0.00,0.76,,0.76,NA,0.01,0.77,0.77,1,XXX,0.00,0.00,0.00,0,3,0,0,0,,01,0,99,2.69,2.69,0.04
45378,,A,,3.26,6.44,,1.79,,0.43,10.13,5.48,0,000,0.00,0.00,0.00,2,0,1,0,0,,09,0,99,0.00,0.00,0.00
45378,53,A,,1.63,3.22,,0.90,,0.22,5.07,2.75,0,000,0.00,0.00,0.00,2,0,1,0,0,,09,0,99,0.00,0.00,0.00
45380,,A,,3.56,8.79,,1.93,,0.47,12.82,5.96,0,000,0.00,0.00,0.00,3,0,1,0,0,45378,09,0,99,0.00,0.00,0.00
45385,,A,,4.57,8.33,,2.38,,0.56,13.46,7.51,0,000,0.00,0.00,0.00,3,0,1,0,0,45378,09,0,99,0.00,0.00,0.00
43239,,A,,2.39,8.36,,1.42,,0.29,11.04,4.10,0,000,0.00,0.00,0.00,3,0,1,0,0,43235,09,0,99,0.00,0.00,0.00
47562,,A,,10.47,6.97,NA,6.97,,2.62,20.06,20.06,0,090,0.09,0.81,0.10,2,0,2,1,0,,09,0,99,0.00,0.00,0.00
49505,,A,,7.96,5.99,NA,5.99,,1.99,15.94,15.94,0,090,0.09,0.81,0.10,2,1,2,1,0,,09,0,99,0.00,0.00,0.00
20610,,A,,0.79,1.04,,0.44,,0.13,1.96,1.36,0,000,0.00,0.00,0.00,2,1,1,0,0,,09,0,99,0.00,0.00,0.00
27447,,A,,19.60,15.30,NA,15.30,,3.98,38.88,38.88,0,090,0.10,0.69,0.21,2,1,2,1,0,,09,0,99,0.00,0.00,0.00
27130,,A,,19.60,15.34,NA,15.34,,3.99,38.93,38.93,0,090,0.10,0.69,0.21,2,1,2,1,0,,09,0,99,0.00,0.00,0.00
29881,,A,,7.03,8.22,NA,8.22,,1.39,16.64,16.64,0,090,0.10,0.69,0.21,3,1,0,0,0,29870,09,0,99,0.00,0.00,0.00
29827,,A,,15.59,13.85,NA,13.85,,3.03,32.47,32.47,0,090,0.10,0.69,0.21,3,1,2,1,0,29805,09,0,99,0.00,0.00,0.00
64483,,A,,1.90,5.24,,1.27,,0.16,7.30,3.33,0,000,0.00,0.00,0.00,2,1,1,0,0,,09,0,99,0.00,0.00,0.00
62323,,A,,1.80,5.66,,1.00,,0.17,7.63,2.97,0,000,0.00,0.00,0.00,2,9,1,0,0,,09,0,99,0.00,0.00,0.00
63047,,A,,15.37,13.61,NA,13.61,,4.87,33.85,33.85,0,090,0.11,0.76,0.13,2,2,2,2,0,,09,0,99,0.00,0.00,0.00
93000,,A,,0.17,0.24,,0.24,NA,0.02,0.43,0.43,4,XXX,0.00,0.00,0.00,6,0,0,0,0,,01,0,99,0.00,0.00,0.00
93005,,A,,0.00,0.18,,0.18,NA,0.01,0.19,0.19,3,XXX,0.00,0.00,0.00,6,0,0,0,0,,01,0,99,0.00,0.00,0.00
93010,,A,,0.17,0.06,,0.06,,0.01,0.24,0.24,2,XXX,0.00,0.00,0.00,0,0,0,0,0,,09,0,99,0.00,0.00,0.00
80053,,X,,0.00,0.00,,0.00,,0.00,0.00,0.00,9,XXX,0.00,0.00,0.00,9,9,9,9,9,,09,0,99,0.00,0.00,0.00
85025,,X,,0.00,0.00,,0.00,,0.00,0.00,0.00,9,XXX,0.00,0.00,0.00,9,9,9,9,9,,09,0,99,0.00,0.00,0.00
36415,,X,,0.00,0.00,,0.00,,0.00,0.00,0.00,9,XXX,0.00,0.00,0.00,9,9,9,9,9,,09,0,99,0.00,0.00,0.00
80061,,X,,0.00,0.00,,0.00,,0.00,0.00,0.00,9,XXX,0.00,0.00,0.00,9,9,9,9,9,,09,0,99,0.00,0.00,0.00
84443,,X,,0.00,0.00,,0.00,,0.00,0.00,0.00,9,XXX,0.00,0.00,0.00,9,9,9,9,9,,09,0,99,0.00,0.00,0.00
83036,,X,,0.00,0.00,,0.00,,0.00,0.00,0.00,9,XXX,0.00,0.00,0.00,9,9,9,9,9,,09,0,99,0.00,0.00,0.00
97110,,A,,0.45,0.43,,0.43,NA,0.01,0.89,0.89,7,XXX,0.00,0.00,0.00,5,0,0,0,0,,09,0,99,0.00,0.00,0.00
97140,,A,,0.43,0.40,,0.40,NA,0.01,0.84,0.84,7,XXX,0.00,0.00,0.00,5,0,0,0,0,,09,0,99,0.00,0.00,0.00
97161,,A,,1.54,1.45,,1.45,NA,0.04,3.03,3.03,7,XXX,0.00,0.00,0.00,5,0,0,0,0,,09,0,99,0.00,0.00,0.00
97530,,A,,0.44,0.62,,0.62,NA,0.01,1.07,1.07,7,XXX,0.00,0.00,0.00,5,0,0,0,0,,09,0,99,0.00,0.00,0.00
66984,,A,,7.35,8.23,NA,8.23,,0.55,16.13,16.13,0,090,0.10,0.70,0.20,2,1,1,0,0,,09,0,99,0.00,0.00,0.00
67028,,A,,1.44,1.81,,1.18,,0.12,3.37,2.74,0,000,0.00,0.00,0.00,2,1,1,0,0,,09,0,99,0.00,0.00,0.00
93306,,A,,1.46,4.28,,4.28,NA,0.07,5.81,5.81,1,XXX,0.00,0.00,0.00,6,0,0,0,0,,09,0,99,17.34,17.34,0.17
93306,26,A,,1.46,0.52,,0.52,,0.04,2.02,2.02,1,XXX,0.00,0.00,0.00,6,0,0,0,0,,09,0,99,0.00,0.00,0.00
93306,TC,A,,0.00,3.76,,3.76,NA,0.03,3.79,3.79,1,XXX,0.00,0.00,0.00,6,0,0,0,0,,01,0,99,16.82,16.82,0.13
76700,,A,,0.81,2.59,,2.59,NA,0.06,3.46,3.46,1,XXX,0.00,0.00,0.00,4,0,0,0,0,,09,0,88,3.55,3.55,0.07
76700,26,A,,0.81,0.29,,0.29,,0.04,1.14,1.14,1,XXX,0.00,0.00,0.00,4,0,0,0,0,,09,0,88,0.00,0.00,0.00
76700,TC,A,,0.00,2.30,,2.30,NA,0.02,2.32,2.32,1,XXX,0.00,0.00,0.00,4,0,0,0,0,,01,0,88,3.26,3.26,0.03
93880,,A,,0.80,4.73,,4.73,NA,0.09,5.62,5.62,1,XXX,0.00,0.00,0.00,6,2,0,0,0,,09,0,99,7.68,7.68,0.11
93880,26,A,,0.80,0.26,,0.26,,0.06,1.12,1.12,1,XXX,0.00,0.00,0.00,6,2,0,0,0,,09,0,99,0.00,0.00,0.00
93880,TC,A,,0.00,4.47,,4.47,NA,0.03,4.50,4.50,1,XXX,0.00,0.00,0.00,6,2,0,0,0,,01,0,99,7.42,7.42,0.05
76830,,A,,0.69,2.79,,2.79,NA,0.05,3.53,3.53,1,XXX,0.00,0.00,0.00,0,0,0,0,0,,09,0,99,3.52,3.52,0.06
76830,26,A,,0.69,0.26,,0.26,,0.03,0.98,0.98,1,XXX,0.00,0.00,0.00,0,0,0,0,0,,09,0,99,0.00,0.00,0.00
76830,TC,A,,0.00,2.53,,2.53,NA,0.02,2.55,2.55,1,XXX,0.00,0.00,0.00,0,0,0,0,0,,01,0,99,3.26,3.26,0.03
70553,,A,,2.29,7.26,,7.26,NA,0.16,9.71,9.71,1,XXX,0.00,0.00,0.00,4,0,0,0,0,,09,0,88,11.81,11.81,0.18
70553,26,A,,2.29,0.82,,0.82,,0.13,3.24,3.24,1,XXX,0.00,0.00,0.00,4,0,0,0,0,,09,0,88,0.00,0.00,0.00
70553,TC,A,,0.00,6.44,,6.44,NA,0.03,6.47,6.47,1,XXX,0.00,0.00,0.00,4,0,0,0,0,,09,0,88,10.99,10.99,0.05
73721,,A,,1.35,4.75,,4.75,NA,0.09,6.19,6.19,1,XXX,0.00,0.00,0.00,4,3,0,0,0,,09,0,88,7.92,7.92,0.11
73721,26,A,,1.35,0.50,,0.50,,0.06,1.91,1.91,1,XXX,0.00,0.00,0.00,4,3,0,0,0,,09,0,88,0.00,0.00,0.00
73721,TC,A,,0.00,4.25,,4.25,NA,0.03,4.28,4.28,1,XXX,0.00,0.00,0.00,4,3,0,0,0,,01,0,88,7.42,7.42,0.05
72148,,A,,1.48,4.25,,4.25,NA,0.09,5.82,5.82,1,XXX,0.00,0.00,0.00,4,0,0,0,0,,09,0,88,7.97,7.97,0.11
72148,26,A,,1.48,0.54,,0.54,,0.07,2.09,2.09,1,XXX,0.00,0.00,0.00,4,0,0,0,0,,09,0,88,0.00,0.00,0.00
72148,TC,A,,0.00,3.71,,3.71,NA,0.02,3.73,3.73,1,XXX,0.00,0.00,0.00,4,0,0,0,0,,09,0,88,7.43,7.43,0.04
99284,,A,,2.74,0.57,NA,0.57,,0.29,3.60,3.60,0,XXX,0.00,0.00,0.00,0,0,0,0,0,,09,0,99,0.00,0.00,0.00
99285,,A,,4.00,0.79,NA,0.79,,0.43,5.22,5.22,0,XXX,0.00,0.00,0.00,0,0,0,0,0,,09,0,99,0.00,0.00,0.00
99283,,A,,1.60,0.35,NA,0.35,,0.16,2.11,2.11,0,XXX,0.00,0.00,0.00,0,0,0,0,0,,09,0,99,0.00,0.00,0.00
74177,,A,,1.82,7.25,,7.25,NA,0.12,9.19,9.19,1,XXX,0.00,0.00,0.00,4,0,9,0,0,,09,0,88,11.67,11.67,0.13
74177,26,A,,1.82,0.66,,0.66,,0.10,2.58,2.58,1,XXX,0.00,0.00,0.00,4,0,9,0,0,,09,0,88,0.00,0.00,0.00
74177,TC,A,,0.00,6.59,,6.59,NA,0.02,6.61,6.61,1,XXX,0.00,0.00,0.00,4,0,9,0,0,,02,0,88,11.01,11.01,0.03
70450,,A,,0.85,2.35,,2.35,NA,0.05,3.25,3.25,1,XXX,0.00,0.00,0.00,4,0,0,0,0,,09,0,88,3.58,3.58,0.06
70450,26,A,,0.85,0.31,,0.31,,0.04,1.20,1.20,1,XXX,0.00,0.00,0.00,4,0,0,0,0,,09,0,88,0.00,0.00,0.00
70450,TC,A,,0.00,2.04,,2.04,NA,0.01,2.05,2.05,1,XXX,0.00,0.00,0.00,4,0,0,0,0,,01,0,88,3.27,3.27,0.02
71260,,A,,1.16,3.85,,3.85,NA,0.07,5.08,5.08,1,XXX,0.00,0.00,0.00,4,0,0,0,0,,09,0,88,5.90,5.90,0.08
71260,26,A,,1.16,0.43,,0.43,,0.05,1.64,1.64,1,XXX,0.00,0.00,0.00,4,0,0,0,0,,09,0,88,0.00,0.00,0.00
71260,TC,A,,0.00,3.42,,3.42,NA,0.02,3.44,3.44,1,XXX,0.00,0.00,0.00,4,0,0,0,0,,02,0,88,5.47,5.47,0.03
90834,,A,,2.45,0.72,,0.31,,0.05,3.22,2.81,0,XXX,0.00,0.00,0.00,0,0,9,0,0,,09,0,99,0.00,0.00,0.00
90837,,A,,3.63,1.06,,0.45,,0.08,4.77,4.16,0,XXX,0.00,0.00,0.00,0,0,9,0,0,,09,0,99,0.00,0.00,0.00
90791,,A,,3.84,1.22,,0.48,,0.10,5.16,4.42,0,XXX,0.00,0.00,0.00,0,0,9,0,0,,09,0,99,0.00,0.00,0.00
11042,,A,,1.01,2.73,,0.68,,0.13,3.87,1.82,0,000,0.00,0.00,0.00,2,0,1,0,0,,09,0,99,0.00,0.00,0.00
17000,,A,,0.61,1.39,,1.00,,0.05,2.05,1.66,0,010,0.10,0.80,0.10,2,0,1,0,0,,09,0,99,0.00,0.00,0.00
11102,,A,,0.66,2.24,,0.40,,0.06,2.96,1.12,0,000,0.00,0.00,0.00,2,0,1,0,0,,09,0,99,0.00,0.00,0.00
12001,,A,,0.84,1.82,,0.34,,0.16,2.82,1.34,0,000,0.00,0.00,0.00,2,0,1,0,0,,09,0,99,0.00,0.00,0.00
99232,,A,,1.59,0.64,NA,0.64,,0.13,2.36,2.36,0,XXX,0.00,0.00,0.00,0,0,0,0,0,,09,0,99,0.00,0.00,0.00
99223,,A,,3.50,1.39,NA,1.39,,0.28,5.17,5.17,0,XXX,0.00,0.00,0.00,0,0,0,0,0,,09,0,99,0.00,0.00,0.00
99239,,A,,2.15,1.11,NA,1.11,,0.16,3.42,3.42,0,XXX,0.00,0.00,0.00,0,0,0,0,0,,09,0,99,0.00,0.00,0.00
88305,,A,,0.75,1.38,,1.38,NA,0.02,2.15,2.15,1,XXX,0.00,0.00,0.00,0,0,0,0,0,,09,0,99,0.00,0.00,0.00
88305,26,A,,0.75,0.32,,0.32,,0.01,1.08,1.08,1,XXX,0.00,0.00,0.00,0,0,0,0,0,,09,0,99,0.00,0.00,0.00
88305,TC,A,,0.00,1.06,,1.06,NA,0.01,1.07,1.07,1,XXX,0.00,0.00,0.00,0,0,0,0,0,,09,0,99,0.00,0.00,0.00
88342,,A,,0.70,2.65,,2.65,NA,0.02,3.37,3.37,1,XXX,0.00,0.00,0.00,0,0,0,0,0,,09,0,99,0.00,0.00,0.00
88342,26,A,,0.70,0.30,,0.30,,0.01,1.01,1.01,1,XXX,0.00,0.00,0.00,0,0,0,0,0,,09,0,99,0.00,0.00,0.00
88342,TC,A,,0.00,2.35,,2.35,NA,0.01,2.36,2.36,1,XXX,0.00,0.00,0.00,0,0,0,0,0,,09,0,99,0.00,0.00,0.00
52000,,A,,1.53,4.88,,0.68,,0.18,6.59,2.39,0,000,0.00,0.00,0.00,2,0,1,0,0,,09,0,99,0.00,0.00,0.00
31231,,A,,1.10,4.43,,0.67,,0.16,5.69,1.93,0,000,0.00,0.00,0.00,2,2,1,0,0,,09,0,99,0.00,0.00,0.00
50590,,A,,9.77,11.22,,6.31,,1.17,22.16,17.25,0,090,0.08,0.83,0.09,2,1,1,0,0,,09,0,99,0.00,0.00,0.00
58558,,A,,4.17,32.44,,2.06,,0.71,37.32,6.94,0,000,0.00,0.00,0.00,3,0,1,2,0,58555,09,0,99,0.00,0.00,0.00
36556,,A,,1.75,4.25,,0.52,,0.22,6.22,2.49,0,000,0.00,0.00,0.00,0,0,1,0,0,,09,0,99,0.00,0.00,0.00
36561,,A,,5.79,21.11,,3.13,,0.92,27.82,9.84,0,010,0.10,0.80,0.10,2,1,0,0,0,,09,0,99,0.00,0.00,0.00
36475,,A,,5.30,24.15,,1.71,,1.15,30.60,8.16,0,000,0.00,0.00,0.00,2,1,1,0,0,,09,0,99,0.00,0.00,0.00
36902,,A,,4.83,28.87,,1.47,,0.71,34.41,7.01,0,000,0.00,0.00,0.00,2,0,1,0,0,,09,0,99,0.00,0.00,0.00
J1885,,E,,0.00,0.00,,0.00,,0.00,0.00,0.00,9,XXX,0.00,0.00,0.00,9,9,9,9,9,,09,0,99,0.00,0.00,0.00
96372,,A,,0.17,0.25,,0.25,NA,0.01,0.43,0.43,5,XXX,0.00,0.00,0.00,0,0,0,0,0,,09,0,99,0.00,0.00,0.00
90471,,A,,0.17,0.44,,0.44,NA,0.01,0.62,0.62,5,XXX,0.00,0.00,0.00,0,0,0,0,0,,09,0,99,0.00,0.00,0.00
J0585,,E,,0.00,0.00,,0.00,,0.00,0.00,0.00,9,XXX,0.00,0.00,0.00,9,9,9,9,9,,09,0,99,0.00,0.00,0.00
95810,,A,,2.50,16.07,,16.07,NA,0.24,18.81,18.81,1,XXX,0.00,0.00,0.00,0,0,0,0,0,,09,0,99,0.00,0.00,0.00
95810,26,A,,2.50,0.89,,0.89,,0.08,3.47,3.47,1,XXX,0.00,0.00,0.00,0,0,0,0,0,,09,0,99,0.00,0.00,0.00
95810,TC,A,,0.00,15.18,,15.18,NA,0.16,15.34,15.34,1,XXX,0.00,0.00,0.00,0,0,0,0,0,,01,0,99,0.00,0.00,0.00
95886,,A,,0.86,1.91,,1.91,NA,0.03,2.80,2.80,1,ZZZ,0.00,0.00,0.00,0,3,0,0,0,,09,0,99,0.00,0.00,0.00
95886,26,A,,0.86,0.44,,0.44,,0.03,1.33,1.33,1,ZZZ,0.00,0.00,0.00,0,3,0,0,0,,09,0,99,0.00,0.00,0.00
95886,TC,A,,0.00,1.47,,1.47,NA,0.00,1.47,1.47,1,ZZZ,0.00,0.00,0.00,0,3,0,0,0,,6A,0,99,0.00,0.00,0.00
78452,,A,,1.62,10.90,,10.90,NA,0.12,12.64,12.64,1,XXX,0.00,0.00,0.00,6,0,0,0,0,,09,0,99,40.65,40.65,0.32
78452,26,A,,1.62,0.56,,0.56,,0.05,2.23,2.23,1,XXX,0.00,0.00,0.00,6,0,0,0,0,,09,0,99,0.00,0.00,0.00
78452,TC,A,,0.00,10.34,,10.34,NA,0.07,10.41,10.41,1,XXX,0.00,0.00,0.00,6,0,0,0,0,,01,0,99,40.09,40.09,0.27
78815,,C,,0.00,0.00,,0.00,NA,0.00,0.00,0.00,1,XXX,0.00,0.00,0.00,0,0,0,0,0,,09,0,99,45.89,45.89,0.13
78815,26,A,,2.44,0.81,,0.81,,0.12,3.37,3.37,1,XXX,0.00,0.00,0.00,0,0,0,0,0,,09,0,99,0.00,0.00,0.00
78815,TC,C,,0.00,0.00,,0.00,NA,0.00,0.00,0.00,1,XXX,0.00,0.00,0.00,0,0,0,0,0,,01,0,99,45.08,45.08,0.01
93458,,A,,5.60,23.08,,23.08,NA,1.09,29.77,29.77,1,000,0.00,0.00,0.00,2,0,0,0,0,,09,0,99,0.00,0.00,0.00
93458,26,A,,5.60,1.94,,1.94,,1.04,8.58,8.58,1,000,0.00,0.00,0.00,2,0,0,0,0,,09,0,99,0.00,0.00,0.00
93458,TC,A,,0.00,21.14,,21.14,NA,0.05,21.19,21.19,1,000,0.00,0.00,0.00,0,0,0,0,0,,03,0,99,0.00,0.00,0.00
33208,,A,,8.52,4.87,NA,4.87,,1.91,15.30,15.30,0,090,0.09,0.84,0.07,2,0,1,2,0,,09,0,99,0.00,0.00,0.00
99490,,A,,1.00,0.81,,0.42,,0.06,1.87,1.48,0,XXX,0.00,0.00,0.00,0,0,0,0,0,,09,0,99,0.00,0.00,0.00
99496,,A,,3.79,4.40,,1.61,,0.24,8.43,5.64,0,XXX,0.00,0.00,0.00,0,0,0,0,0,,09,0,99,0.00,0.00,0.00
92014,,A,,1.42,2.28,,0.77,,0.04,3.74,2.23,0,XXX,0.00,0.00,0.00,0,2,0,0,0,,09,0,99,0.00,0.00,0.00
92004,,A,,1.82,2.56,,0.90,,0.04,4.42,2.76,0,XXX,0.00,0.00,0.00,0,2,0,0,0,,09,0,99,0.00,0.00,0.00
96413,,A,,0.28,3.35,,3.35,NA,0.06,3.69,3.69,5,XXX,0.00,0.00,0.00,0,0,0,0,0,,09,0,99,0.00,0.00,0.00
J9271,,E,,0.00,0.00,,0.00,,0.00,0.00,0.00,9,XXX,0.00,0.00,0.00,9,9,9,9,9,,09,0,99,0.00,0.00,0.00
98941,,A,,0.71,0.47,,0.29,,0.01,1.19,1.01,0,000,0.00,0.00,0.00,0,0,0,0,0,,09,0,99,0.00,0.00,0.00
98940,,A,,0.46,0.35,,0.19,,0.01,0.82,0.66,0,000,0.00,0.00,0.00,0,0,0,0,0,,09,0,99,0.00,0.00,0.00
90935,,A,,1.48,0.54,NA,0.54,,0.08,2.10,2.10,0,000,0.00,0.00,0.00,0,0,0,0,0,,09,0,99,0.00,0.00,0.00
93798,,A,,0.28,0.46,,0.10,,0.02,0.76,0.40,0,000,0.00,0.00,0.00,0,0,0,0,0,,09,0,99,0.00,0.00,0.00
99183,,A,,2.11,0.78,,0.78,,0.27,3.16,3.16,2,XXX,0.00,0.00,0.00,0,0,0,0,0,,09,0,99,0.00,0.00,0.00
G0277,,A,,0.00,5.22,,5.22,NA,0.04,5.26,5.26,3,XXX,0.00,0.00,0.00,0,0,0,0,0,,09,0,99,0.00,0.00,0.00
99291,,A,,4.50,3.27,,1.42,,0.44,8.21,6.36,0,XXX,0.00,0.00,0.00,0,0,0,0,0,,09,0,99,0.00,0.00,0.00
77412,,I,,0.00,0.00,,0.00,,0.00,0.00,0.00,3,XXX,0.00,0.00,0.00,0,0,0,0,0,,09,0,99,0.00,0.00,0.00
77427,,A,,3.37,2.17,,2.17,,0.27,5.81,5.81,2,XXX,0.00,0.00,0.00,9,9,9,9,9,,09,0,99,0.00,0.00,0.00
94060,,A,,0.22,0.93,,0.93,NA,0.02,1.17,1.17,1,XXX,0.00,0.00,0.00,0,0,0,0,0,,09,0,99,0.00,0.00,0.00
94060,26,A,,0.22,0.07,,0.07,,0.01,0.30,0.30,1,XXX,0.00,0.00,0.00,0,0,0,0,0,,09,0,99,0.00,0.00,0.00
94060,TC,A,,0.00,0.86,,0.86,NA,0.01,0.87,0.87,1,XXX,0.00,0.00,0.00,0,0,0,0,0,,02,0,99,0.00,0.00,0.00
94726,,A,,0.26,1.41,,1.41,NA,0.03,1.70,1.70,1,XXX,0.00,0.00,0.00,0,0,0,0,0,,09,0,99,0.00,0.00,0.00
94726,26,A,,0.26,0.08,,0.08,,0.01,0.35,0.35,1,XXX,0.00,0.00,0.00,0,0,0,0,0,,09,0,99,0.00,0.00,0.00
94726,TC,A,,0.00,1.33,,1.33,NA,0.02,1.35,1.35,1,XXX,0.00,0.00,0.00,0,0,0,0,0,,01,0,99,0.00,0.00,0.00
92134,,A,,0.32,0.63,,0.63,NA,0.02,0.97,0.97,1,XXX,0.00,0.00,0.00,7,2,0,0,0,,09,0,99,1.99,1.99,0.05
92134,26,A,,0.32,0.20,,0.20,,0.01,0.53,0.53,1,XXX,0.00,0.00,0.00,7,2,0,0,0,,09,0,99,0.00,0.00,0.00
92134,TC,A,,0.00,0.43,,0.43,NA,0.01,0.44,0.44,1,XXX,0.00,0.00,0.00,7,2,0,0,0,,01,0,99,1.79,1.79,0.04
95004,,A,,0.01,0.09,,0.09,NA,0.01,0.11,0.11,0,XXX,0.00,0.00,0.00,0,0,0,0,0,,02,0,99,0.00,0.00,0.00
92083,,A,,0.50,1.37,,1.37,NA,0.02,1.89,1.89,1,XXX,0.00,0.00,0.00,7,2,0,0,0,,09,0,99,0.00,0.00,0.00
92083,26,A,,0.50,0.28,,0.28,,0.01,0.79,0.79,1,XXX,0.00,0.00,0.00,7,2,0,0,0,,09,0,99,0.00,0.00,0.00
92083,TC,A,,0.00,1.09,,1.09,NA,0.01,1.10,1.10,1,XXX,0.00,0.00,0.00,7,2,0,0,0,,01,0,99,0.00,0.00,0.00
99309,,A,,1.92,1.17,,1.17,,0.13,3.22,3.22,0,XXX,0.00,0.00,0.00,0,0,0,0,0,,09,0,99,0.00,0.00,0.00
99348,,A,,1.50,0.71,,0.71,NA,0.08,2.29,2.29,0,XXX,0.00,0.00,0.00,0,0,0,0,0,,09,0,99,0.00,0.00,0.00
00142,,J,,0.00,0.00,,0.00,,0.00,0.00,0.00,9,XXX,0.00,0.00,0.00,9,9,9,9,9,,09,0,99,0.00,0.00,0.00
00731,,J,,0.00,0.00,,0.00,,0.00,0.00,0.00,9,XXX,0.00,0.00,0.00,9,9,9,9,9,,09,0,99,0.00,0.00,0.00
19083,,A,,3.10,11.00,,1.13,,0.30,14.40,4.53,0,000,0.00,0.00,0.00,2,1,0,0,0,,09,0,99,0.00,0.00,0.00
19301,,A,,10.13,7.37,NA,7.37,,2.51,20.01,20.01,0,090,0.10,0.71,0.19,2,1,0,0,0,,09,0,99,0.00,0.00,0.00
87635,,X,,0.00,0.00,,0.00,,0.00,0.00,0.00,9,XXX,0.00,0.00,0.00,9,9,9,9,9,,09,0,99,0.00,0.00,0.00
81528,,X,,0.00,0.00,,0.00,,0.00,0.00,0.00,9,XXX,0.00,0.00,0.00,9,9,9,9,9,,09,0,99,0.00,0.00,0.00
36430,,A,,0.00,1.26,,1.26,NA,0.03,1.29,1.29,5,XXX,0.00,0.00,0.00,0,0,1,0,0,,09,0,99,0.00,0.00,0.00
A4253,,P,,0.00,0.00,,0.00,,0.00,0.00,0.00,9,XXX,0.00,0.00,0.00,9,9,9,9,9,,09,0,99,0.00,0.00,0.00
J7613,,E,,0.00,0.00,,0.00,,0.00,0.00,0.00,9,XXX,0.00,0.00,0.00,9,9,9,9,9,,09,0,99,0.00,0.00,0.00
A6196,,P,,0.00,0.00,,0.00,,0.00,0.00,0.00,9,XXX,0.00,0.00,0.00,9,9,9,9,9,,09,0,99,0.00,0.00,0.00
A0428,,X,,0.00,0.00,,0.00,,0.00,0.00,0.00,9,XXX,0.00,0.00,0.00,9,9,9,9,9,,09,0,99,0.00,0.00,0.00
A0425,,X,,0.00,0.00,,0.00,,0.00,0.00,0.00,9,XXX,0.00,0.00,0.00,9,9,9,9,9,,09,0,99,0.00,0.00,0.00
92557,,A,,0.60,0.47,,0.33,,0.02,1.09,0.95,7,XXX,0.00,0.00,0.00,0,2,0,0,0,,02,0,99,0.00,0.00,0.00
V2020,,X,,0.00,0.00,,0.00,,0.00,0.00,0.00,9,XXX,0.00,0.00,0.00,9,9,9,9,9,,09,0,99,0.00,0.00,0.00
G0378,,X,,0.00,0.00,,0.00,,0.00,0.00,0.00,9,XXX,0.00,0.00,0.00,9,9,9,9,9,,09,0,99,0.00,0.00,0.00
G0337,,X,+,1.42,0.56,,0.56,,0.08,2.06,2.06,9,XXX,0.00,0.00,0.00,9,9,9,9,9,,09,0,99,0.00,0.00,0.00
99461,,A,,1.26,1.40,,0.46,,0.08,2.74,1.80,0,XXX,0.00,0.00,0.00,0,0,0,0,0,,09,0,99,0.00,0.00,0.00
94010,,A,,0.17,0.63,,0.63,NA,0.02,0.82,0.82,1,XXX,0.00,0.00,0.00,0,0,0,0,0,,09,0,99,0.00,0.00,0.00
94010,26,A,,0.17,0.06,,0.06,,0.01,0.24,0.24,1,XXX,0.00,0.00,0.00,0,0,0,0,0,,09,0,99,0.00,0.00,0.00
94010,TC,A,,0.00,0.57,,0.57,NA,0.01,0.58,0.58,1,XXX,0.00,0.00,0.00,0,0,0,0,0,,01,0,99,0.00,0.00,0.00
70496,,A,,1.75,6.56,,6.56,NA,0.11,8.42,8.42,1,XXX,0.00,0.00,0.00,4,0,0,0,0,,09,0,88,6.11,6.11,0.11
70496,26,A,,1.75,0.63,,0.63,,0.08,2.46,2.46,1,XXX,0.00,0.00,0.00,4,0,0,0,0,,09,0,88,0.00,0.00,0.00
70496,TC,A,,0.00,5.93,,5.93,NA,0.03,5.96,5.96,1,XXX,0.00,0.00,0.00,4,0,0,0,0,,02,0,88,5.48,5.48,0.03
93976,,A,,0.80,3.86,,3.86,NA,0.07,4.73,4.73,1,XXX,0.00,0.00,0.00,6,0,0,0,0,,09,0,99,3.54,3.54,0.07
93976,26,A,,0.80,0.28,,0.28,,0.04,1.12,1.12,1,XXX,0.00,0.00,0.00,6,0,0,0,0,,09,0,99,0.00,0.00,0.00
93976,TC,A,,0.00,3.58,,3.58,NA,0.03,3.61,3.61,1,XXX,0.00,0.00,0.00,6,0,0,0,0,,01,0,99,3.26,3.26,0.03
"""

# code|Non-procedure, Other or Major|category|subcategory|family|date added|date effective
RBCS = """\
00142|N|Anesthesia|Anesthesia|No RBCS Family|1989-01-01|2014-01-01
00731|N|Anesthesia|Anesthesia|No RBCS Family|2018-01-01|2014-01-01
11042|O|Procedure|Skin|Debridement|1984-01-01|2014-01-01
11102|O|Procedure|Skin|Skin Biopsy|2019-01-01|2015-01-01
12001|O|Procedure|Skin|Wound Repair - All Levels|1984-01-01|2014-01-01
17000|O|Procedure|Skin|Destruction Skin Lesion|1984-01-01|2014-01-01
19083|O|Procedure|Breast|No RBCS Family|2014-01-01|2014-01-01
19083|O|Procedure|Breast|Breast Biopsy|2014-01-01|2016-01-01
19301|M|Procedure|Breast|Mastectomy|2007-01-01|2014-01-01
20610|O|Procedure|Musculoskeletal|Joint Injection|1984-01-01|2014-01-01
27130|M|Procedure|Musculoskeletal|Arthroplasty - Hip|1984-01-01|2014-01-01
27447|M|Procedure|Musculoskeletal|Arthroplasty - Knee|1984-01-01|2014-01-01
29827|M|Procedure|Musculoskeletal|Arthroscopy - Upper Extremity|2003-01-01|2014-01-01
29881|O|Procedure|Musculoskeletal|Arthroscopy - Lower Extremity|1986-01-01|2014-01-01
31231|O|Procedure|Other Organ Systems|Nasal/Sinus Endoscopy|1994-01-01|2014-01-01
33208|M|Procedure|Cardiovascular|Pacemaker Insertion or Repair|1982-01-01|2014-01-01
36415|N|Test|General Laboratory|Venipuncture Blood Collection|1985-01-01|2014-01-01
36430|O|Procedure|Hematology|Red Blood Cell Transfusion|1984-01-01|2014-01-01
36475|O|Procedure|Vascular|Varicose Vein Ablation|2005-01-01|2014-01-01
36556|O|Procedure|Vascular|Venous Catheter Insertion|2004-01-01|2014-01-01
36561|O|Procedure|Vascular|Venous Catheter Insertion|2004-01-01|2014-01-01
36902|O|Procedure|Vascular|A-V Fistula PCI|2017-01-01|2014-01-01
43239|O|Procedure|Digestive/Gastrointestinal|Upper GI Endoscopy|1984-01-01|2014-01-01
45378|O|Procedure|Digestive/Gastrointestinal|Lower GI Endoscopy - Other|1984-01-01|2014-01-01
45380|O|Procedure|Digestive/Gastrointestinal|Lower GI Endoscopy - Other|1984-01-01|2014-01-01
45385|O|Procedure|Digestive/Gastrointestinal|Colonoscopy - Lesion Removal|1984-01-01|2014-01-01
47562|M|Procedure|Digestive/Gastrointestinal|Cholecystectomy - Laparoscopic|2000-01-01|2014-01-01
49505|O|Procedure|Digestive/Gastrointestinal|Hernia Repair - Open (inguinal)|1984-01-01|2014-01-01
50590|M|Procedure|Other Organ Systems|Calculus Removal - Urinary|1986-01-01|2014-01-01
52000|O|Procedure|Other Organ Systems|Cystourethroscopy|1984-01-01|2014-01-01
58558|O|Procedure|Other Organ Systems|No RBCS Family|2000-01-01|2014-01-01
62323|O|Procedure|Musculoskeletal|Nerve Block Injection - Back|2017-01-01|2014-01-01
63047|M|Procedure|Musculoskeletal|Laminotomy or Laminectomy - Lumbar|1988-01-01|2014-01-01
64483|O|Procedure|Musculoskeletal|Nerve Block Injection - Back|2000-01-01|2014-01-01
66984|O|Procedure|Eye|Cataract Surgery|1985-01-01|2014-01-01
67028|O|Procedure|Eye|Intravitreal Injection|1991-01-01|2014-01-01
70450|N|Imaging|CT Scan|CT/CTA - Head and Neck|1984-01-01|2014-01-01
70496|N|Imaging|CT Scan|CT/CTA - Head and Neck|2001-01-01|2014-01-01
70553|N|Imaging|Magnetic Resonance|MRI/MRA - Head and Neck|1992-01-01|2014-01-01
71046|N|Imaging|Standard X-ray|X-ray - Chest|2018-01-01|2014-01-01
71260|N|Imaging|CT Scan|CT/CTA - Chest|1984-01-01|2014-01-01
72110|N|Imaging|Standard X-ray|X-ray - Spine and Pelvis|1984-01-01|2014-01-01
72148|N|Imaging|Magnetic Resonance|MRI/MRA - Spine|1990-01-01|2014-01-01
73030|N|Imaging|Standard X-ray|X-ray - Upper Extremity|1984-01-01|2014-01-01
73562|N|Imaging|Standard X-ray|X-ray - Lower Extremity|1984-01-01|2014-01-01
73721|N|Imaging|Magnetic Resonance|MRI/MRA - Lower Extremity|1989-01-01|2014-01-01
74177|N|Imaging|CT Scan|CT/CTA - Abdomen and Pelvis|2011-01-01|2014-01-01
76700|N|Imaging|Ultrasound|Ultrasound - Abdomen and Pelvis|1982-01-01|2014-01-01
76830|N|Imaging|Ultrasound|Ultrasound - Abdomen and Pelvis|1990-01-01|2014-01-01
77067|N|Imaging|Standard X-ray|Mammography|2017-01-01|2014-01-01
77412|N|Treatment|Radiation Oncology|Conventional Radiation Treatment|1991-01-01|2014-01-01
77427|N|Treatment|Radiation Oncology|Conventional Radiation Treatment|2000-01-01|2014-01-01
78452|N|Imaging|Nuclear|Myocardial Perfusion Scan|2010-01-01|2014-01-01
78815|N|Imaging|Nuclear|PET- Oncology|2005-01-01|2014-01-01
80053|N|Test|General Laboratory|Clinical Chemistry|2000-01-01|2014-01-01
80061|N|Test|General Laboratory|Clinical Chemistry|1984-01-01|2014-01-01
81528|N|Test|Molecular Testing|No RBCS Family|2016-01-01|2014-01-01
81528|N|Test|Molecular Testing|Genetic Analysis|2016-01-01|2016-01-01
83036|N|Test|General Laboratory|Blood Count|1985-01-01|2014-01-01
84443|N|Test|General Laboratory|Clinical Chemistry|1984-01-01|2014-01-01
85025|N|Test|General Laboratory|Blood Count|1987-01-01|2014-01-01
87635|N|Test|Molecular Testing|Infectious Agent Detection by DNA/RNA|2020-03-13|2016-01-01
88305|N|Test|Anatomic Pathology|Surgical Pathology Examination|1982-01-01|2014-01-01
88342|N|Test|Anatomic Pathology|Immunohistochemistry|1985-01-01|2014-01-01
90471|N|Treatment|Injections and Infusions (nononcologic)|Vaccine - Toxoids|1999-01-01|2014-01-01
90791|N|E&M|Behavioral Health Services|Psychotherapy - Nongroup|2013-01-01|2014-01-01
90834|N|E&M|Behavioral Health Services|Psychotherapy - Nongroup|2013-01-01|2014-01-01
90837|N|E&M|Behavioral Health Services|Psychotherapy - Nongroup|2013-01-01|2014-01-01
90935|N|Treatment|Dialysis|Hemodialysis|1989-01-01|2014-01-01
92004|N|E&M|Ophthalmological Services|Ophthalmological E&M|1984-01-01|2014-01-01
92014|N|E&M|Ophthalmological Services|Ophthalmological E&M|1984-01-01|2014-01-01
92083|N|Test|Test - Miscellaneous|No RBCS Family|1982-01-01|2014-01-01
92083|N|Other|Vision, Hearing, and Speech Services|No RBCS Family|1982-01-01|2016-01-01
92134|N|Imaging|Imaging - Miscellaneous|Computerized Ophthalmic Imaging|2011-01-01|2014-01-01
92557|N|Test|Test - Miscellaneous|No RBCS Family|1984-01-01|2014-01-01
92557|N|Other|Vision, Hearing, and Speech Services|No RBCS Family|1984-01-01|2016-01-01
93000|N|Test|Cardiography|Electrocardiogram|1982-01-01|2014-01-01
93005|N|Test|Cardiography|Electrocardiogram|1982-01-01|2014-01-01
93010|N|Test|Cardiography|Electrocardiogram|1982-01-01|2014-01-01
93306|N|Imaging|Ultrasound|Echocardiography (TTE/TEE)|2009-01-01|2014-01-01
93458|M|Procedure|Cardiovascular|Percutaneous Transcatheterization|2011-01-01|2014-01-01
93798|N|Treatment|Treatment - Miscellaneous|Cardiac Rehabilitation|1990-01-01|2014-01-01
93880|N|Imaging|Ultrasound|Duplex Scan - Extracranial Arteries|1992-01-01|2014-01-01
93976|N|Imaging|Ultrasound|Duplex Scan - Extremity Arteries|1992-01-01|2014-01-01
94010|N|Test|Pulmonary Function|No RBCS Family|1984-01-01|2014-01-01
94010|N|Test|Pulmonary|Pulmonary Function Testing|1984-01-01|2016-01-01
94060|N|Test|Pulmonary Function|No RBCS Family|1984-01-01|2014-01-01
94060|N|Test|Pulmonary|Pulmonary Function Testing|1984-01-01|2016-01-01
94726|N|Test|Pulmonary Function|No RBCS Family|2012-01-01|2014-01-01
94726|N|Test|Pulmonary|No RBCS Family|2012-01-01|2016-01-01
95004|N|Test|Test - Miscellaneous|No RBCS Family|1993-01-01|2014-01-01
95810|N|Test|Neurologic|Sleep Study|1994-01-01|2014-01-01
95886|N|Test|Neurologic|Electrical Nerve Conductivity|2012-01-01|2014-01-01
96372|N|Treatment|Injections and Infusions (nononcologic)|Injection Administration|2009-01-01|2014-01-01
96413|N|Treatment|Chemotherapy|Chemotherapy Administration|2006-01-01|2014-01-01
97110|N|Treatment|Physical, Occupational, and Speech Therapy|PT Treatment|1984-01-01|2014-01-01
97140|N|Treatment|Physical, Occupational, and Speech Therapy|PT Treatment|1999-01-01|2014-01-01
97161|N|Treatment|Physical, Occupational, and Speech Therapy|PT/OT Evaluation|2017-01-01|2014-01-01
97530|N|Treatment|Physical, Occupational, and Speech Therapy|PT Treatment|1985-01-01|2014-01-01
98940|N|Treatment|Spinal Manipulation|Chiropractic|1997-01-01|2014-01-01
98941|N|Treatment|Spinal Manipulation|Chiropractic|1997-01-01|2014-01-01
99183|N|Treatment|Treatment - Miscellaneous|Hyperbaric Oxygen|1994-01-01|2014-01-01
99203|N|E&M|Office/Outpatient Services|Office E&M - New|1992-01-01|2014-01-01
99204|N|E&M|Office/Outpatient Services|Office E&M - New|1992-01-01|2014-01-01
99213|N|E&M|Office/Outpatient Services|Office E&M - Established|1992-01-01|2014-01-01
99214|N|E&M|Office/Outpatient Services|Office E&M - Established|1992-01-01|2014-01-01
99223|N|E&M|Hospital Inpatient Services|Hospital E&M - Initial|1992-01-01|2014-01-01
99232|N|E&M|Hospital Inpatient Services|Hospital E&M - Subsequent|1992-01-01|2014-01-01
99239|N|E&M|Hospital Inpatient Services|Hospital Discharge Management|1996-01-01|2014-01-01
99283|N|E&M|Emergency Department Services|Emergency Department E&M|1992-01-01|2014-01-01
99284|N|E&M|Emergency Department Services|Emergency Department E&M|1992-01-01|2014-01-01
99285|N|E&M|Emergency Department Services|Emergency Department E&M|1992-01-01|2014-01-01
99291|N|E&M|Critical Care Services|Critical Care E&M|1992-01-01|2014-01-01
99309|N|E&M|Nursing Facility Services|SNF E&M|2006-01-01|2014-01-01
99348|N|E&M|Home Services|Home E&M - New and Established|1998-01-01|2014-01-01
99395|N|E&M|Office/Outpatient Services|No RBCS Family|1992-01-01|2014-01-01
99395|N|E&M|Office/Outpatient Services|No RBCS Family|1992-01-01|2017-01-01
99461|N|E&M|E&M - Miscellaneous|No RBCS Family|2009-01-01|2014-01-01
99490|N|E&M|Care Management/Coordination|Chronic and Transitional Care Management|2015-01-01|2014-01-01
99496|N|E&M|Care Management/Coordination|Chronic and Transitional Care Management|2013-01-01|2014-01-01
A0425|N|Other|Ambulance|Medical Transport - Mileage|2001-01-01|2014-01-01
A0428|N|Other|Ambulance|Medical Transport - Ground|2001-01-01|2014-01-01
A4253|N|DME|Other DME|Blood Glucose Test or Reagent Strips|1986-01-01|2014-01-01
A4253|N|DME|Other DME|Diabetic Supplies and Monitoring|1986-01-01|2016-01-01
A6196|N|DME|Medical/Surgical Supplies|No RBCS Family|1997-01-01|2014-01-01
A6196|N|DME|Medical/Surgical Supplies|Wound Care Directed Dressings|1997-01-01|2017-01-01
B4035|N|Other|Enteral and Parenteral|Enteral Feeding and Formula|1986-01-01|2014-01-01
E0260|N|DME|Hospital Beds|No RBCS Family|1986-01-01|2014-01-01
E0601|N|DME|Other DME|CPAP (sleep apnea)|1988-01-01|2014-01-01
E1390|N|DME|Oxygen and Supplies|Oxygen Concentrator|2000-01-01|2014-01-01
G0277|N|Treatment|Treatment - Miscellaneous|Hyperbaric Oxygen|2015-01-01|2014-01-01
G0337|N|E&M|Hospice|No RBCS Family|2005-01-01|2015-01-01
G0378|N|E&M|Observation Care Services|Observation Care|2006-01-01|2014-01-01
G0439|N|E&M|Office/Outpatient Services|Annual Wellness Visits|2011-01-01|2014-01-01
G0463|N|E&M|Office/Outpatient Services|Hospital Outpatient E&M - Facility Fee|2014-01-01|2014-01-01
J0585|N|Treatment|Injections and Infusions (nononcologic)|Injection - Anticoagulant|1991-01-01|2014-01-01
J1885|N|Treatment|Injections and Infusions (nononcologic)|No RBCS Family|1993-01-01|2014-01-01
J7613|N|DME|Drugs Administered Through DME|Bronchodilator|2005-01-01|2014-01-01
J9271|N|Treatment|Chemotherapy|Chemotherapeutic Agent|2016-01-01|2014-01-01
K0001|N|DME|Wheelchairs|No RBCS Family|1994-01-01|2014-01-01
L1833|N|DME|Orthotic Devices|Knee Orthosis|2014-01-01|2014-01-01
V2020|N|Other|Vision, Hearing, and Speech Services|No RBCS Family|1985-01-01|2014-01-01
"""

# code|BETOS 2.0 id|its label (set- class-group)
BETOS = """\
00142|AA99N|Anesthesia- Anesthesia-Other
00731|AA99N|Anesthesia- Anesthesia-Other
11042|PS38O|Procedures- Skin-Debridement
11102|PS37O|Procedures- Skin-Skin biopsy
12001|PS99O|Procedures- Skin-Other
17000|PS34O|Procedures- Skin-Destruction benign skin lesion
19083|PO99O|Procedures- Other organ systems-Other
19301|PO99M|Procedures- Other organ systems-Other
20610|PM28O|Procedures- Musculoskeletal-Arthrocentesis
27130|PM31M|Procedures- Musculoskeletal-Hip arthroplasty
27447|PM27M|Procedures- Musculoskeletal-Knee arthroplasty
29827|PM99M|Procedures- Musculoskeletal-Other
29881|PM99O|Procedures- Musculoskeletal-Other
31231|PO99O|Procedures- Other organ systems-Other
33208|PC99M|Procedures- Cardiovascular-Other
36430|PV99O|Procedures- Vascular-Other
36475|PV24O|Procedures- Vascular-Varicose vein ablation
36556|PV99O|Procedures- Vascular-Other
36561|PV99O|Procedures- Vascular-Other
36902|PV23O|Procedures- Vascular-Transluminal balloon angioplasty - non-cardiac-Other
43239|PG26O|Procedures- Digestive/gastrointestinal-Esophagogastroduodenoscopy
45378|PG25O|Procedures- Digestive/gastrointestinal-Colonoscopy
45380|PG25O|Procedures- Digestive/gastrointestinal-Colonoscopy
45385|PG25O|Procedures- Digestive/gastrointestinal-Colonoscopy
47562|PG99M|Procedures- Digestive/gastrointestinal-Other
49505|PG99O|Procedures- Digestive/gastrointestinal-Other
50590|PO99M|Procedures- Other organ systems-Other
52000|PO45O|Procedures- Other organ systems-Cystourethroscopy
58558|PO99O|Procedures- Other organ systems-Other
62323|PM30O|Procedures- Musculoskeletal-Nerve block injection
63047|PM99M|Procedures- Musculoskeletal-Other
64483|PM30O|Procedures- Musculoskeletal-Nerve block injection
66984|PE43O|Procedures- Eye-Cataract surgery
67028|PE99O|Procedures- Eye-Other
70450|IC62N|Imaging- CT-CT/CTA – head/brain & neck
70496|IC62N|Imaging- CT-CT/CTA – head/brain & neck
70553|IM65N|Imaging- MR-MRI/MRA – brain/head
71046|IS69N|Imaging- Standard X-ray-Chest x-ray
71260|IC63N|Imaging- CT-CT/CTA – chest
72110|IS99N|Imaging- Standard X-ray-Other
72148|IM64N|Imaging- MR-MRI/MRA – spine
73030|IS99N|Imaging- Standard X-ray-Other
73562|IS99N|Imaging- Standard X-ray-Other
73721|IM99N|Imaging- MR-Other
74177|IC61N|Imaging- CT-CT/CTA – abdomen and pelvis
76700|IU67N|Imaging- Ultrasound-Ultrasound - abdomen/retroperitoneal
76830|IU99N|Imaging- Ultrasound-Other
77067|IS68N|Imaging- Standard X-ray-Mammography
77427|RR99N|Treatments- Radiation oncology-Other
78452|IN72N|Imaging- Nuclear-Myocardial perfusion scan
78815|IN73N|Imaging- Nuclear-Positron emission tomography (PET)
88305|TA80N|Tests- Anatomic pathology-Surgical pathology examination
88342|TA99N|Tests- Anatomic pathology-Other
90471|RI53N|Treatments- Injections and Infusions - non-oncologic-Injection (including vaccinations)
90791|EB99N|Evaluation and Management-  Behavioral health services-Other
90834|EB14N|Evaluation and Management-  Behavioral health services-Psychotherapy
90837|EB14N|Evaluation and Management-  Behavioral health services-Psychotherapy
90935|RD99N|Treatments- Dialysis-Other
92004|EE13N|Evaluation and Management-  Ophthalmological  services-Opthalmology visits
92014|EE13N|Evaluation and Management-  Ophthalmological  services-Opthalmology visits
92083|TX99N|Tests- Miscellaneous-Other
92134|IX74N|Imaging- Miscellaneous-Computerized ophthalmic imaging
92557|TX99N|Tests- Miscellaneous-Other
93000|TC81N|Tests- Cardiography-Electrocardiogram
93005|TC81N|Tests- Cardiography-Electrocardiogram
93010|TC81N|Tests- Cardiography-Electrocardiogram
93306|IU66N|Imaging- Ultrasound-Echocardiography (transthoracic)
93458|IS70N|Imaging- Standard X-ray-Cardiac catheterization
93798|RX99N|Treatments- Miscellaneous-Other
93880|IU99N|Imaging- Ultrasound-Other
93976|IU99N|Imaging- Ultrasound-Other
94010|TP99N|Tests- Pulmonary function-Other
94060|TP99N|Tests- Pulmonary function-Other
94726|TP99N|Tests- Pulmonary function-Other
95004|TX99N|Tests- Miscellaneous-Other
95810|TN83N|Tests- Neurologic-Sleep study
95886|TN99N|Tests- Neurologic-Other
96372|RI53N|Treatments- Injections and Infusions - non-oncologic-Injection (including vaccinations)
96413|RH99N|Treatments- Chemotherapy administration-Other
97110|RT51N|Treatments- Physical, occupational, and speech therapy-Physical therapy treatment
97140|RT51N|Treatments- Physical, occupational, and speech therapy-Physical therapy treatment
97161|RT52N|Treatments- Physical, occupational, and speech therapy-Physical therapy evaluation
97530|RT51N|Treatments- Physical, occupational, and speech therapy-Physical therapy treatment
98940|RB99N|Treatments- Chiropractic-Other
98941|RB99N|Treatments- Chiropractic-Other
99183|RX99N|Treatments- Miscellaneous-Other
99203|EV10N|Evaluation and Management-  Office/ outpatient services-New office visits
99204|EV10N|Evaluation and Management-  Office/ outpatient services-New office visits
99213|EV11N|Evaluation and Management-  Office/ outpatient services-Established office visits
99214|EV11N|Evaluation and Management-  Office/ outpatient services-Established office visits
99223|EI99N|Evaluation and Management-  Hospital inpatient services-Other
99232|EI99N|Evaluation and Management-  Hospital inpatient services-Other
99239|EI99N|Evaluation and Management-  Hospital inpatient services-Other
99283|ER99N|Evaluation and Management-  Emergency department services-Other
99284|ER99N|Evaluation and Management-  Emergency department services-Other
99285|ER99N|Evaluation and Management-  Emergency department services-Other
99291|EC99N|Evaluation and Management-  Critical care services-Other
99309|EN99N|Evaluation and Management-  Nursing facility services-Other
99348|EH99N|Evaluation and Management-  Home services-Other
99395|EV99N|Evaluation and Management-  Office/ outpatient services-Other
99461|EX99N|Evaluation and Management- Miscellaneous-Other
99490|EM99N|Evaluation and Management- Care management/coordination-Other
99496|EM15N|Evaluation and Management- Care management/coordination-Transition care management
G0277|RX99N|Treatments- Miscellaneous-Other
G0439|EV12N|Evaluation and Management-  Office/ outpatient services-Annual wellness visits
"""

# state|ZIP|city|county FIPS|county|GeoNames' county|CBSA|latitude|longitude|carrier|locality|rural flag (- for none)
PLACES = """\
GA|30301|ATLANTA|13121|Fulton County|Fulton|12060|33.8444|-84.4741|10212|01|-
GA|31901|COLUMBUS|13215|Muscogee County|Muscogee|17980|32.473|-84.9795|10212|99|-
GA|31201|MACON|13021|Bibb County|Bibb|31420|32.8095|-83.6168|10212|99|-
GA|30901|AUGUSTA|13245|Richmond County|Richmond|12260|33.4601|-81.973|10212|99|-
GA|31601|VALDOSTA|13185|Lowndes County|Lowndes|46660|30.7539|-83.3321|10212|99|-
GA|30603|ATHENS|13059|Clarke County|Clarke|12020|33.9609|-83.3779|10212|99|-
GA|31702|ALBANY|13095|Dougherty County|Dougherty|10500|31.5948|-84.1948|10212|99|-
GA|31520|BRUNSWICK|13127|Glynn County|Glynn|15260|31.1807|-81.4949|10212|99|-
GA|31401|SAVANNAH|13051|Chatham County|Chatham|42340|32.0749|-81.0883|10212|99|-
GA|30725|FLINTSTONE|13295|Walker County|Walker|16860|34.9252|-85.3524|10212|99|-
GA|31533|DOUGLAS|13069|Coffee County|Coffee|20060|31.4973|-82.8465|10212|99|R
GA|30458|STATESBORO|13031|Bulloch County|Bulloch|44340|32.4408|-81.774|10212|99|R
GA|31757|THOMASVILLE|13275|Thomas County|Thomas|45620|30.8536|-83.8883|10212|99|R
GA|31088|WARNER ROBINS|13153|Houston County|Houston|47580|32.5934|-83.6416|10212|99|-
GA|31040|DUBLIN|13175|Laurens County|Laurens|20140|32.5401|-82.915|10212|99|R
GA|31310|HINESVILLE|13179|Liberty County|Liberty|25980|31.8068|-81.4371|10212|99|-
GA|30475|VIDALIA|13279|Toombs County|Toombs|47080|32.1775|-82.3739|10212|99|R
GA|30719|DALTON|13313|Whitfield County|Whitfield|19140|34.7698|-84.9702|10212|99|-
GA|31501|WAYCROSS|13299|Ware County|Ware|48180|31.2243|-82.3596|10212|99|R
GA|31709|AMERICUS|13261|Sumter County|Sumter|11140|32.0404|-84.2153|10212|99|R
GA|31793|TIFTON|13277|Tift County|Tift|45700|31.4619|-83.5873|10212|99|R
GA|31059|MILLEDGEVILLE|13009|Baldwin County|Baldwin|33300|33.0846|-83.238|10212|99|R
GA|31548|KINGSLAND|13039|Camden County|Camden|28680|30.7977|-81.7075|10212|99|R
GA|30730|LYERLY|13055|Chattooga County|Chattooga|44900|34.403|-85.4038|10212|99|R
GA|31776|MOULTRIE|13071|Colquitt County|Colquitt|34220|31.1727|-83.7924|10212|99|R
GA|31010|CORDELE|13081|Crisp County|Crisp|18380|31.9172|-83.7854|10212|99|R
GA|39818|BAINBRIDGE|13087|Decatur County|Decatur|12460|30.8845|-84.5655|10212|99|R
GA|30162|ROME|13115|Floyd County|Floyd|40660|34.2905|-85.2138|10212|99|-
GA|30703|CALHOUN|13129|Gordon County|Gordon|15660|34.5026|-84.9511|10212|99|R
GA|30535|DEMOREST|13137|Habersham County|Habersham|18460|34.5756|-83.5696|10212|99|R
GA|30501|GAINESVILLE|13139|Hall County|Hall|23580|34.3073|-83.8256|10212|99|-
GA|30549|JEFFERSON|13157|Jackson County|Jackson|27600|34.1062|-83.5708|10212|99|R
GA|30261|LAGRANGE|13285|Troup County|Troup|29300|33.0457|-85.049|10212|99|R
GA|30286|THOMASTON|13293|Upson County|Upson|45580|32.9015|-84.3324|10212|99|R
GA|31545|JESUP|13305|Wayne County|Wayne|27700|31.6043|-81.8871|10212|99|R
GA|30401|SWAINSBORO|13107|Emanuel County|Emanuel|99999|32.5699|-82.3462|10212|99|R
TX|75201|DALLAS|48113|Dallas County|Dallas|19100|32.7904|-96.8044|04412|11|-
TX|77001|HOUSTON|48201|Harris County|Harris|26420|29.8131|-95.3098|04412|18|-
TX|78201|SAN ANTONIO|48029|Bexar County|Bexar|41700|29.4711|-98.5356|04412|99|-
TX|79401|LUBBOCK|48303|Lubbock County|Lubbock|31180|33.5865|-101.8606|04412|99|-
TX|79101|AMARILLO|48375|Potter County|Potter|11100|35.2032|-101.8421|04412|99|-
TX|78701|AUSTIN|48453|Travis County|Travis|12420|30.2713|-97.7426|04412|31|-
TX|75606|LONGVIEW|48183|Gregg County|Gregg|30980|32.5007|-94.7405|04412|99|-
TX|78401|CORPUS CHRISTI|48355|Nueces County|Nueces|18580|27.7941|-97.403|04412|99|-
TX|76301|WICHITA FALLS|48485|Wichita County|Wichita|48660|33.9053|-98.4976|04412|99|-
TX|76540|KILLEEN|48027|Bell County|Bell|28660|31.1171|-97.7278|04412|99|-
TX|76701|WACO|48309|McLennan County|McLennan|47380|31.5525|-97.1396|04412|99|-
TX|77840|COLLEGE STATION|48041|Brazos County|Brazos|17780|30.6045|-96.3123|04412|99|-
TX|79603|ABILENE|48441|Taylor County|Taylor|10180|32.4679|-99.7619|04412|99|-
TX|75456|MOUNT PLEASANT|48449|Titus County|Titus|34420|33.1568|-94.9683|04412|99|R
TX|77701|BEAUMONT|48245|Jefferson County|Jefferson|13140|30.0688|-94.1039|04412|20|-
TX|78353|ENCINO|48047|Brooks County|Brooks|10860|26.9249|-98.1922|04412|99|B
TX|79901|EL PASO|48141|El Paso County|El Paso|21340|31.7584|-106.4783|04412|99|-
TX|79072|PLAINVIEW|48189|Hale County|Hale|38380|34.1962|-101.7259|04412|99|R
TX|77901|VICTORIA|48469|Victoria County|Victoria|47020|28.809|-96.9993|04412|99|-
TX|79066|PAMPA|48179|Gray County|Gray|37420|35.5334|-100.956|04412|99|B
TX|76902|SAN ANGELO|48451|Tom Green County|Tom Green|41660|31.4638|-100.437|04412|99|-
TX|75460|PARIS|48277|Lamar County|Lamar|37580|33.6581|-95.5379|04412|99|R
TX|79701|MIDLAND|48329|Midland County|Midland|33260|31.9896|-102.0626|04412|99|-
TX|75801|PALESTINE|48001|Anderson County|Anderson|37300|31.7588|-95.6342|04412|99|R
TX|79714|ANDREWS|48003|Andrews County|Andrews|11380|32.3201|-102.5409|04412|99|B
TX|75901|LUFKIN|48005|Angelina County|Angelina|31260|31.27|-94.6469|04412|99|R
TX|78104|BEEVILLE|48025|Bee County|Bee|13300|28.3931|-97.776|04412|99|R
TX|75503|TEXARKANA|48037|Bowie County|Bowie|45500|33.4669|-94.0774|04412|99|-
TX|76804|BROWNWOOD|48049|Brown County|Brown|15220|31.7742|-99.0921|04412|99|R
TX|77978|POINT COMFORT|48057|Calhoun County|Calhoun|38920|28.6651|-96.5506|04412|99|R
TX|78520|BROWNSVILLE|48061|Cameron County|Cameron|15180|25.9337|-97.5174|04412|99|-
TX|75766|JACKSONVILLE|48073|Cherokee County|Cherokee|27380|31.9618|-95.2703|04412|99|R
TX|76241|GAINESVILLE|48097|Cooke County|Cooke|23620|33.6104|-97.0369|04412|99|R
TX|79760|ODESSA|48135|Ector County|Ector|36220|31.7652|-102.3543|04412|99|-
TX|76401|STEPHENVILLE|48143|Erath County|Erath|44500|32.2214|-98.2224|04412|99|R
TX|75418|BONHAM|48147|Fannin County|Fannin|14300|33.5806|-96.1836|04412|99|R
TX|78618|DOSS|48171|Gillespie County|Gillespie|23240|30.4613|-99.1707|04412|99|B
TX|75090|SHERMAN|48181|Grayson County|Grayson|43300|33.6435|-96.6075|04412|99|-
TX|75148|MALAKOFF|48213|Henderson County|Henderson|11980|32.1705|-96.006|04412|99|R
TX|78501|MCALLEN|48215|Hidalgo County|Hidalgo|32580|26.2154|-98.2359|04412|99|-
TX|75482|SULPHUR SPRINGS|48223|Hopkins County|Hopkins|44860|33.1345|-95.5922|04412|99|R
TX|79733|FORSAN|48227|Howard County|Howard|13700|32.1105|-101.3669|04412|99|R
TX|79007|BORGER|48233|Hutchinson County|Hutchinson|14420|35.6678|-101.3974|04412|99|B
TX|78029|KERRVILLE|48265|Kerr County|Kerr|28500|30.0332|-99.141|04412|99|R
TX|78379|RIVIERA|48273|Kleberg County|Kleberg|28780|27.3217|-97.7787|04412|99|R
TX|77404|BAY CITY|48321|Matagorda County|Matagorda|13060|28.9828|-95.9694|04412|99|R
TX|78852|EAGLE PASS|48323|Maverick County|Maverick|20580|28.7028|-100.4818|04412|99|R
TX|79013|CACTUS|48341|Moore County|Moore|20300|36.0412|-102.0007|04412|99|B
TX|75963|NACOGDOCHES|48347|Nacogdoches County|Nacogdoches|34860|31.6046|-94.6641|04412|99|R
TX|75109|CORSICANA|48349|Navarro County|Navarro|18620|31.9937|-96.4199|04412|99|R
TX|79535|MARYNEAL|48353|Nolan County|Nolan|45020|32.2026|-100.4972|04412|99|B
TX|76472|SANTO|48363|Palo Pinto County|Palo Pinto|33420|32.5979|-98.1797|04412|99|R
TX|79718|BALMORHEA|48389|Reeves County|Reeves|45880|30.9843|-103.7446|04412|99|B
TX|75701|TYLER|48423|Smith County|Smith|46340|32.3254|-95.2922|04412|99|-
TX|78582|RIO GRANDE CITY|48427|Starr County|Starr|40100|26.3942|-98.8104|04412|99|R
TX|78802|UVALDE|48463|Uvalde County|Uvalde|46620|29.2237|-99.7794|04412|99|B
TX|78841|DEL RIO|48465|Val Verde County|Val Verde|19620|29.3465|-100.9289|04412|99|B
TX|77340|HUNTSVILLE|48471|Walker County|Walker|26660|30.6448|-95.5798|04412|99|R
TX|77834|BRENHAM|48477|Washington County|Washington|14780|30.1669|-96.3977|04412|99|R
TX|78040|LAREDO|48479|Webb County|Webb|29700|27.5155|-99.4986|04412|99|-
TX|77448|HUNGERFORD|48481|Wharton County|Wharton|20900|29.4137|-96.0929|04412|99|R
TX|76364|HARROLD|48487|Wilbarger County|Wilbarger|46900|34.0806|-99.0323|04412|99|B
TX|78580|RAYMONDVILLE|48489|Willacy County|Willacy|39700|26.4792|-97.7967|04412|99|R
TX|78076|ZAPATA|48505|Zapata County|Zapata|49820|26.8897|-99.2506|04412|99|B
TX|73960|TEXHOMA|48421|Sherman County|Sherman|99999|36.5055|-101.7829|04412|99|B
KY|40201|LOUISVILLE|21111|Jefferson County|Jefferson|31140|38.189|-85.6768|15102|00|-
CO|81215|CANON CITY|08043|Fremont County|Fremont|15860|38.4776|-105.4766|04112|01|R
NM|88001|LAS CRUCES|35013|Dona Ana County|Doña Ana|29740|32.2901|-106.7539|04212|05|-
IL|60601|CHICAGO|17031|Cook County|Cook|16980|41.8858|-87.6181|06102|16|-
FL|32905|PALM BAY|12009|Brevard County|Brevard|37340|28.0313|-80.5995|09102|99|-
PR|00680|MAYAGUEZ|72097|||32420|||09202|20|-
TX|76102|FORT WORTH|48439|Tarrant County|Tarrant|19100|32.7589|-97.328|04412|28|-
TX|77550|GALVESTON|48167|Galveston County|Galveston|26420|29.2983|-94.793|04412|15|R
TX|77511|ALVIN|48039|Brazoria County|Brazoria|26420|29.412|-95.2515|04412|09|-
"""

# CBSA|title|Metropolitan or Micropolitan
AREAS = """\
10180|Abilene, TX|Metropolitan
10500|Albany, GA|Metropolitan
10860|Alice, TX|Micropolitan
11100|Amarillo, TX|Metropolitan
11140|Americus, GA|Micropolitan
11380|Andrews, TX|Micropolitan
11980|Athens, TX|Micropolitan
12020|Athens-Clarke County, GA|Metropolitan
12060|Atlanta-Sandy Springs-Roswell, GA|Metropolitan
12260|Augusta-Richmond County, GA-SC|Metropolitan
12420|Austin-Round Rock-San Marcos, TX|Metropolitan
12460|Bainbridge, GA|Micropolitan
13060|Bay City, TX|Micropolitan
13140|Beaumont-Port Arthur, TX|Metropolitan
13300|Beeville, TX|Micropolitan
13700|Big Spring, TX|Micropolitan
14300|Bonham, TX|Micropolitan
14420|Borger, TX|Micropolitan
14780|Brenham, TX|Micropolitan
15180|Brownsville-Harlingen, TX|Metropolitan
15220|Brownwood, TX|Micropolitan
15260|Brunswick-St. Simons, GA|Metropolitan
15660|Calhoun, GA|Micropolitan
15860|Cañon City, CO|Micropolitan
16860|Chattanooga, TN-GA|Metropolitan
16980|Chicago-Naperville-Elgin, IL-IN|Metropolitan
17780|College Station-Bryan, TX|Metropolitan
17980|Columbus, GA-AL|Metropolitan
18380|Cordele, GA|Micropolitan
18460|Cornelia, GA|Micropolitan
18580|Corpus Christi, TX|Metropolitan
18620|Corsicana, TX|Micropolitan
19100|Dallas-Fort Worth-Arlington, TX|Metropolitan
19140|Dalton, GA|Metropolitan
19620|Del Rio, TX|Micropolitan
20060|Douglas, GA|Micropolitan
20140|Dublin, GA|Micropolitan
20300|Dumas, TX|Micropolitan
20580|Eagle Pass, TX|Metropolitan
20900|El Campo, TX|Micropolitan
21340|El Paso, TX|Metropolitan
23240|Fredericksburg, TX|Micropolitan
23580|Gainesville, GA|Metropolitan
23620|Gainesville, TX|Micropolitan
25980|Hinesville, GA|Metropolitan
26420|Houston-Pasadena-The Woodlands, TX|Metropolitan
26660|Huntsville, TX|Micropolitan
27380|Jacksonville, TX|Micropolitan
27600|Jefferson, GA|Micropolitan
27700|Jesup, GA|Micropolitan
28500|Kerrville, TX|Micropolitan
28660|Killeen-Temple, TX|Metropolitan
28680|Kingsland, GA|Micropolitan
28780|Kingsville, TX|Micropolitan
29300|LaGrange, GA-AL|Micropolitan
29700|Laredo, TX|Metropolitan
29740|Las Cruces, NM|Metropolitan
30980|Longview, TX|Metropolitan
31140|Louisville/Jefferson County, KY-IN|Metropolitan
31180|Lubbock, TX|Metropolitan
31260|Lufkin, TX|Micropolitan
31420|Macon-Bibb County, GA|Metropolitan
32420|Mayagüez, PR|Metropolitan
32580|McAllen-Edinburg-Mission, TX|Metropolitan
33260|Midland, TX|Metropolitan
33300|Milledgeville, GA|Micropolitan
33420|Mineral Wells, TX|Micropolitan
34220|Moultrie, GA|Micropolitan
34420|Mount Pleasant, TX|Micropolitan
34860|Nacogdoches, TX|Micropolitan
36220|Odessa, TX|Metropolitan
37300|Palestine, TX|Micropolitan
37340|Palm Bay-Melbourne-Titusville, FL|Metropolitan
37420|Pampa, TX|Micropolitan
37580|Paris, TX|Micropolitan
38380|Plainview, TX|Micropolitan
38920|Port Lavaca, TX|Micropolitan
39700|Raymondville, TX|Micropolitan
40100|Rio Grande City-Roma, TX|Micropolitan
40660|Rome, GA|Metropolitan
41660|San Angelo, TX|Metropolitan
41700|San Antonio-New Braunfels, TX|Metropolitan
42340|Savannah, GA|Metropolitan
43300|Sherman-Denison, TX|Metropolitan
44340|Statesboro, GA|Micropolitan
44500|Stephenville, TX|Micropolitan
44860|Sulphur Springs, TX|Micropolitan
44900|Summerville, GA|Micropolitan
45020|Sweetwater, TX|Micropolitan
45500|Texarkana, TX-AR|Metropolitan
45580|Thomaston, GA|Micropolitan
45620|Thomasville, GA|Micropolitan
45700|Tifton, GA|Micropolitan
45880|Town of Pecos, TX|Micropolitan
46340|Tyler, TX|Metropolitan
46620|Uvalde, TX|Micropolitan
46660|Valdosta, GA|Metropolitan
46900|Vernon, TX|Micropolitan
47020|Victoria, TX|Metropolitan
47080|Vidalia, GA|Micropolitan
47380|Waco, TX|Metropolitan
47580|Warner Robins, GA|Metropolitan
48180|Waycross, GA|Micropolitan
48660|Wichita Falls, TX|Metropolitan
49820|Zapata, TX|Micropolitan
"""

# county FIPS|CBSA|county|state|Central or Outlying
COUNTIES = """\
08043|15860|Fremont County|Colorado|Central
12009|37340|Brevard County|Florida|Central
13009|33300|Baldwin County|Georgia|Central
13021|31420|Bibb County|Georgia|Central
13031|44340|Bulloch County|Georgia|Central
13039|28680|Camden County|Georgia|Central
13051|42340|Chatham County|Georgia|Central
13055|44900|Chattooga County|Georgia|Central
13059|12020|Clarke County|Georgia|Central
13069|20060|Coffee County|Georgia|Central
13071|34220|Colquitt County|Georgia|Central
13081|18380|Crisp County|Georgia|Central
13087|12460|Decatur County|Georgia|Central
13095|10500|Dougherty County|Georgia|Central
13115|40660|Floyd County|Georgia|Central
13121|12060|Fulton County|Georgia|Central
13127|15260|Glynn County|Georgia|Central
13129|15660|Gordon County|Georgia|Central
13137|18460|Habersham County|Georgia|Central
13139|23580|Hall County|Georgia|Central
13153|47580|Houston County|Georgia|Central
13157|27600|Jackson County|Georgia|Central
13175|20140|Laurens County|Georgia|Central
13179|25980|Liberty County|Georgia|Central
13185|46660|Lowndes County|Georgia|Central
13215|17980|Muscogee County|Georgia|Central
13245|12260|Richmond County|Georgia|Central
13261|11140|Sumter County|Georgia|Central
13275|45620|Thomas County|Georgia|Central
13277|45700|Tift County|Georgia|Central
13279|47080|Toombs County|Georgia|Central
13285|29300|Troup County|Georgia|Central
13293|45580|Upson County|Georgia|Central
13295|16860|Walker County|Georgia|Central
13299|48180|Ware County|Georgia|Central
13305|27700|Wayne County|Georgia|Central
13313|19140|Whitfield County|Georgia|Central
17031|16980|Cook County|Illinois|Central
21111|31140|Jefferson County|Kentucky|Central
35013|29740|Doña Ana County|New Mexico|Central
48001|37300|Anderson County|Texas|Central
48003|11380|Andrews County|Texas|Central
48005|31260|Angelina County|Texas|Central
48025|13300|Bee County|Texas|Central
48027|28660|Bell County|Texas|Central
48029|41700|Bexar County|Texas|Central
48037|45500|Bowie County|Texas|Central
48039|26420|Brazoria County|Texas|Central
48041|17780|Brazos County|Texas|Central
48047|10860|Brooks County|Texas|Outlying
48049|15220|Brown County|Texas|Central
48057|38920|Calhoun County|Texas|Central
48061|15180|Cameron County|Texas|Central
48073|27380|Cherokee County|Texas|Central
48097|23620|Cooke County|Texas|Central
48113|19100|Dallas County|Texas|Central
48135|36220|Ector County|Texas|Central
48141|21340|El Paso County|Texas|Central
48143|44500|Erath County|Texas|Central
48147|14300|Fannin County|Texas|Central
48167|26420|Galveston County|Texas|Outlying
48171|23240|Gillespie County|Texas|Central
48179|37420|Gray County|Texas|Central
48181|43300|Grayson County|Texas|Central
48183|30980|Gregg County|Texas|Central
48189|38380|Hale County|Texas|Central
48201|26420|Harris County|Texas|Central
48213|11980|Henderson County|Texas|Central
48215|32580|Hidalgo County|Texas|Central
48223|44860|Hopkins County|Texas|Central
48227|13700|Howard County|Texas|Central
48233|14420|Hutchinson County|Texas|Central
48245|13140|Jefferson County|Texas|Central
48265|28500|Kerr County|Texas|Central
48273|28780|Kleberg County|Texas|Central
48277|37580|Lamar County|Texas|Central
48303|31180|Lubbock County|Texas|Central
48309|47380|McLennan County|Texas|Central
48321|13060|Matagorda County|Texas|Central
48323|20580|Maverick County|Texas|Central
48329|33260|Midland County|Texas|Central
48341|20300|Moore County|Texas|Central
48347|34860|Nacogdoches County|Texas|Central
48349|18620|Navarro County|Texas|Central
48353|45020|Nolan County|Texas|Central
48355|18580|Nueces County|Texas|Central
48363|33420|Palo Pinto County|Texas|Central
48375|11100|Potter County|Texas|Central
48389|45880|Reeves County|Texas|Central
48423|46340|Smith County|Texas|Central
48427|40100|Starr County|Texas|Central
48439|19100|Tarrant County|Texas|Central
48441|10180|Taylor County|Texas|Central
48449|34420|Titus County|Texas|Central
48451|41660|Tom Green County|Texas|Central
48453|12420|Travis County|Texas|Central
48463|46620|Uvalde County|Texas|Central
48465|19620|Val Verde County|Texas|Central
48469|47020|Victoria County|Texas|Central
48471|26660|Walker County|Texas|Central
48477|14780|Washington County|Texas|Central
48479|29700|Webb County|Texas|Central
48481|20900|Wharton County|Texas|Central
48485|48660|Wichita County|Texas|Central
48487|46900|Wilbarger County|Texas|Central
48489|39700|Willacy County|Texas|Central
48505|49820|Zapata County|Texas|Central
72097|32420|Mayagüez Municipio|Puerto Rico|Outlying
"""

# carrier|state|locality|name|work, PE and MP GPCI of 2025|anaesthesia factor of 2025
LOCALITIES = """\
04112|CO|01|COLORADO|1.008|1.053|0.827|20.39
09102|FL|03|FORT LAUDERDALE|1|0.998|1.77|21.33
09102|FL|04|MIAMI|1|1.027|2.5|22.39
09102|FL|99|REST OF FLORIDA|1|0.94|1.467|20.73
10212|GA|01|ATLANTA|1|0.997|1.128|20.48
10212|GA|99|REST OF GEORGIA|1|0.883|1.125|20.09
06102|IL|16|CHICAGO|1.007|1.023|2.018|21.85
06102|IL|12|EAST ST. LOUIS|1|0.918|1.784|21.08
06102|IL|15|SUBURBAN CHICAGO|1.007|1.048|1.556|21.32
06102|IL|99|REST OF ILLINOIS|1|0.912|1.381|20.52
15102|KY|00|KENTUCKY|1|0.877|0.913|19.79
04212|NM|05|NEW MEXICO|1|0.908|1.172|20.23
09202|PR|20|PUERTO RICO|1|1.007|0.982|20.32
04412|TX|31|AUSTIN|1|1.046|0.914|20.36
04412|TX|20|BEAUMONT|1|0.903|0.947|19.92
04412|TX|09|BRAZORIA|1.014|1.006|0.795|20.29
04412|TX|11|DALLAS|1.011|1.007|0.877|20.35
04412|TX|28|FORT WORTH|1.011|0.998|0.902|20.35
04412|TX|15|GALVESTON|1.014|1|0.855|20.35
04412|TX|18|HOUSTON|1.014|1.003|1.409|21.09
04412|TX|99|REST OF TEXAS|1|0.945|0.934|20.05
"""

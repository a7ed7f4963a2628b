# The times of both ways by size, as a picture. scripts/draw-crossing gives `data` and `picture`.
set terminal svg size 760,440 font "sans-serif,13" background "white"
set output picture
set logscale xy
set xrange [0.7:2e9]
set format x "%.0f"
set xtics ("1 B" 1, "16 B" 16, "256 B" 256, "4 KiB" 4096, "32 KiB" 32768, "256 KiB" 262144, \
    "4 MiB" 4194304, "64 MiB" 67108864, "1 GiB" 1073741824) rotate by -30
set ytics ("0.1 ms" 0.1, "1 ms" 1, "10 ms" 10, "100 ms" 100, "1 s" 1000, "10 s" 10000, "100 s" 100000)
set grid lc rgb "#dddddd"
set key top left
set xlabel "size of the file"
set ylabel "from offer to done"
set arrow from 32768, graph 0 to 32768, graph 1 nohead dashtype 2 lc rgb "#888888"
set label "put sends larger files\nthrough shared memory" at 42000, graph 0.1 tc rgb "#555555"
plot data using 1:2 with linespoints pt 7 ps 0.6 lw 2 lc rgb "#c04040" title "as messages", \
     data using 1:3 with linespoints pt 7 ps 0.6 lw 2 lc rgb "#3060b0" title "through shared memory"

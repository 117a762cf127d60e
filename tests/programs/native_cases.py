"""Programs of the distribution doing real work. See cases.py for what a case promises."""

from __future__ import annotations

from pathlib import Path

import inputs
from cases import WORKLOADS, Case

PROGRAM_SOURCE = """
#include <algorithm>
#include <iostream>
#include <map>
#include <memory>
#include <regex>
#include <string>
#include <unordered_map>
#include <vector>
std::string reversed(std::string word) {
  std::reverse(word.begin(), word.end());
  return word;
}
int main() {
  std::map<std::string, std::vector<std::shared_ptr<int>>> numbers_by_word;
  std::unordered_map<int, std::string> words;
  const std::regex vowels("[aeiou]+");
  for (int number = 0; number < 1000; ++number) {
    const std::string word = std::regex_replace(std::to_string(number) + "banana", vowels, "-");
    numbers_by_word[reversed(word)].push_back(std::make_shared<int>(number));
    words.emplace(number, word);
  }
  std::cout << numbers_by_word.size() << ' ' << words.at(7) << std::endl;
}
"""


def write_source(folder: Path) -> None:
    (folder / "program.cpp").write_text(PROGRAM_SOURCE)


def write_project(folder: Path) -> None:
    """A CMake project of eight C files."""
    numbers = range(8)
    for number in numbers:
        body = f"return x * {number + 3} + {number};"
        (folder / f"part{number}.c").write_text(f"int part{number}(int x) {{ {body} }}\n")
    declarations = "".join(f"int part{number}(int);\n" for number in numbers)
    calls = " + ".join(f"part{number}({number})" for number in numbers)
    (folder / "main.c").write_text(
        f'#include <stdio.h>\n{declarations}int main(void) {{ printf("%d\\n", {calls}); return 0; }}\n'
    )
    parts = " ".join(f"part{number}.c" for number in numbers)
    (folder / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.18)\nproject(sample LANGUAGES C)\n"
        f"add_executable(sample main.c {parts})\n"
    )


NATIVE_CASES = (
    Case(
        "sqlite3",
        programs=("sqlite3",),
        inputs=lambda folder: inputs.table_file(folder / "people.tsv", seed=1, rows=100_000),
        script="""
            sqlite3 people.db <<'SQL'
            CREATE TABLE people(id INTEGER PRIMARY KEY, name TEXT, city TEXT, amount REAL);
            .mode tabs
            .import people.tsv people
            CREATE INDEX by_name ON people(name);
            CREATE INDEX by_city ON people(city, amount);
            SELECT count(*), sum(amount) FROM people;
            SELECT city, count(*), round(avg(amount), 3) FROM people GROUP BY city ORDER BY 2 DESC, 1 LIMIT 50;
            SELECT a.name, b.city, count(*) FROM people a JOIN people b ON a.name = b.name AND a.id < b.id
              WHERE a.id < 300 GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT 50;
            UPDATE people SET name = upper(name) || id WHERE amount < 200;
            DELETE FROM people WHERE city LIKE 'a%';
            SELECT group_concat(name, ',') FROM (SELECT name FROM people ORDER BY amount DESC, id LIMIT 2000);
            VACUUM;
            PRAGMA integrity_check;
            SQL
        """,
        outputs=("people.db",),
    ),
    Case(
        "git",
        programs=("git",),
        inputs=lambda folder: inputs.history_stream(folder / "history", seed=2, commits=1500),
        # Two threads divide the search for deltas as they get on, so the pack's bytes differ from run to run; the
        # objects in it must not.
        script="""
            git init --quiet --initial-branch=main repository
            cd repository
            git config pack.threads 2
            git config user.name 'Smallblock Test'
            git config user.email test@example.org
            git fast-import --quiet <../history
            git checkout --quiet main
            for number in 1 2 3 4 5 6 7 8 9 10; do
              seq $((number * 100)) >"numbers$number.txt"
              git add .
              GIT_AUTHOR_DATE="2024-01-$number 12:00 +0000" GIT_COMMITTER_DATE="2024-01-$number 12:00 +0000" \\
                git commit --quiet --message "Numbers $number"
            done
            git repack -a -d -f --quiet --depth=30 --window=20
            git log --stat --patch
            git blame src/part1/file1.txt
            git grep --threads=2 -c change1 HEAD~20
            git fsck --full --strict --no-progress
            git cat-file --batch-all-objects --batch-check
            git diff --stat HEAD~700 HEAD
        """,
    ),
    Case(
        "perl",
        programs=("perl",),
        inputs=lambda folder: inputs.text_file(folder / "text", seed=3, lines=25_000),
        script=r"""
            perl -ne '
              for my $word (split) { $count{$word}++; push @{$lines{$word}}, $. if $count{$word} < 20; }
              $pairs{"$1 $2"}++ while /(\w+) (?=(\w+))/g;
              END {
                for my $word (sort { $count{$b} <=> $count{$a} || $a cmp $b } keys %count) {
                  printf "%-20s %6d %s\n", $word, $count{$word}, join ",", @{$lines{$word}};
                }
                my @pairs = sort { $pairs{$b} <=> $pairs{$a} || $a cmp $b } keys %pairs;
                print "$_ $pairs{$_}\n" for @pairs[0 .. 999];
              }' text
        """,
    ),
    Case(
        "jq",
        programs=("jq",),
        inputs=lambda folder: inputs.records_file(folder / "records.json", seed=4, records=20_000),
        script="""
            jq 'group_by(.address.city)
              | map({city: .[0].address.city, people: length, best: (map(.scores | max) | max),
                     tags: (map(.tags[]) | unique), names: map(.name | ascii_upcase)})
              | sort_by(-.people, .city)' records.json >cities.json
            jq --compact-output '.[] | select(.tags | length > 3) | {id, key: (.name + "-" + .address.zip)}' \\
              records.json
            jq --stream --compact-output 'select(length == 2 and (.[0] | last) == "zip")' records.json | tail -n 100
        """,
        outputs=("cities.json",),
    ),
    Case(
        "xz",
        programs=("xz",),
        inputs=lambda folder: inputs.bytes_file(folder / "data", seed=5, size_bytes=5 << 20),
        script="""
            xz -T2 -2 --block-size=512KiB --keep data
            xz -T2 --decompress --stdout data.xz >back
            cmp data back
            xz --list --verbose data.xz
        """,
        outputs=("data.xz", "back"),
    ),
    Case(
        "zstd",
        programs=("zstd",),
        inputs=lambda folder: inputs.bytes_file(folder / "data", seed=6, size_bytes=12 << 20),
        script="""
            zstd -T2 -12 --quiet -B1MiB data -o data.zst
            zstd -T2 --quiet --decompress data.zst -o back
            cmp data back
        """,
        outputs=("data.zst", "back"),
    ),
    Case(
        "gawk",
        programs=("gawk",),
        inputs=lambda folder: inputs.table_file(folder / "people.tsv", seed=7, rows=150_000),
        script=r"""
            gawk -F '\t' '
              { total[$3] += $4; names[$3] = names[$3] substr($2, 1, 2); seen[$2][$3]++ }
              { gsub(/an/, "<&>", $2); mark[$2]++ }
              END {
                PROCINFO["sorted_in"] = "@ind_str_asc"
                for (city in total) printf "%s %.2f %d %s\n", city, total[city], length(names[city]), names[city]
                for (name in seen) lines[length(seen[name])]++
                for (cities in lines) print cities, lines[cities]
                for (name in mark) if (mark[name] > 30) print name, mark[name]
              }' people.tsv
        """,
    ),
    Case(
        "sort",
        programs=("sort",),
        inputs=lambda folder: inputs.table_file(folder / "people.tsv", seed=8, rows=300_000),
        script="""
            sort --parallel=2 --buffer-size=4M --temporary-directory=. -k 3,3 -k 4,4n people.tsv >by_city
            sort --parallel=2 --temporary-directory=. -n people.tsv >by_number
            sort --parallel=2 -u -k 2,2 people.tsv >names
            sort --check -n by_number
        """,
        outputs=("by_city", "by_number", "names"),
    ),
    Case(
        "gcc",
        programs=("g++",),
        reporters=("g++", "cc1plus", "as", "collect2"),
        inputs=write_source,
        script="""
            g++ -std=c++17 -O1 -g -save-temps -Wall program.cpp -o program
            ./program
        """,
        outputs=("program.ii", "program.s", "program.o", "program"),
    ),
    Case(
        "clang",
        programs=("clang++",),
        reporters=("clang++", "program"),
        inputs=write_source,
        script="""
            clang++ -std=c++17 -O1 -g -c -Wall program.cpp
            clang++ program.o -o program
            ./program
        """,
        outputs=("program.o", "program"),
    ),
    Case(
        "lld",
        programs=("ld.lld", "clang++"),
        reporters=("ld.lld",),
        inputs=write_source,
        # As in its own tests: lld then frees its memory and ends through exit(), which it skips to save time.
        environment={"LLD_IN_TEST": "1"},
        script="""
            clang++ -std=c++17 -g -ffunction-sections -c program.cpp
            options=--threads=2,--gc-sections,--icf=all,-Map=map,--build-id=sha1
            clang++ -fuse-ld=lld -Wl,$options program.o -o program
            ./program
        """,
        outputs=("map", "program"),
    ),
    Case(
        "cmake_ninja",
        programs=("cmake", "ninja", "cc"),
        reporters=("cmake", "ninja", "cc1"),
        inputs=write_project,
        script="""
            cmake -S . -B build -G Ninja -DCMAKE_BUILD_TYPE=Debug >configured
            ninja -C build -j 2 >built
            build/sample
            ninja -C build
        """,
        outputs=("build/build.ninja", "build/sample", "build/CMakeFiles/sample.dir/part3.c.o"),
    ),
    Case(
        "node",
        programs=("node",),
        inputs=lambda folder: inputs.records_file(folder / "records.json", seed=9, records=10_000),
        script=r"""
            node -e '
              const fs = require("fs"), zlib = require("zlib"), crypto = require("crypto");
              const records = JSON.parse(fs.readFileSync("records.json"));
              const cities = new Map();
              for (const record of records) {
                const city = record.address.city;
                cities.set(city, [...(cities.get(city) || []), record.name.replace(/[aeiou]/g, "-")]);
              }
              const packed = zlib.gzipSync(JSON.stringify([...cities].sort()));
              console.log(crypto.createHash("sha256").update(zlib.gunzipSync(packed)).digest("hex"));
              let open = 200;
              for (let number = 0; number < 200; ++number) {
                fs.readFile("records.json", (error, data) => {
                  if (error || data.length < 1000) throw error;
                  if (--open === 0) console.log("read 200 times");
                });
              }'
        """,
    ),
    # It loads its extensions with RTLD_DEEPBIND, and takes memory from malloc when it is told to.
    Case(
        "php",
        programs=("php",),
        environment={"USE_ZEND_ALLOC": "0"},
        inputs=lambda folder: inputs.records_file(folder / "records.json", seed=10, records=5_000),
        script=r"""
            php -r '
              $records = json_decode(file_get_contents("records.json"), true);
              $names = [];
              foreach ($records as $record) {
                $names[$record["address"]["city"]][] = preg_replace("/[aeiou]/", "-", $record["name"]);
              }
              ksort($names);
              foreach ($names as $city => $list) {
                sort($list);
                printf("%s %d %s\n", $city, count($list), hash("sha256", implode(",", $list)));
              }
              echo iconv("UTF-8", "UTF-16", "smallblock"), strlen(gzcompress(serialize($names))), "\n";'
        """,
    ),
    # No CPython: its objects are its own, what its libraries take from malloc is ours.
    Case(
        "pypy",
        programs=("pypy3",),
        environment={"PYTHONHASHSEED": "0", "PYTHONWARNINGS": "ignore"},
        script=f"$WRAPPER pypy3 -s '{WORKLOADS}/objects.py' 2",
    ),
)

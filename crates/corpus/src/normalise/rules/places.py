"""Prints places.txt. Usage: places.py CHINA_LOCATION CHINA_LOCATION_CHANGE I18N_LANGS ISO_3166

CHINA_LOCATION is china_location.txt, unzipped, and CHINA_LOCATION_CHANGE china_location_change.txt of
PyPI jionlp 1.5.31 (Apache-2.0): divisions with their GB/T 2260 codes, and changes since 2002.
I18N_LANGS is the folder langs of npm i18n-iso-countries 7.14.0 (MIT): names of countries.
ISO_3166 is the file 2.js of npm iso-3166 4.4.0 (MIT): names of first-level divisions."""

import json
import re
import sys
import unicodedata

location, change, langs, iso = sys.argv[1:]

HEAD = """\
# Places: code, name and other names, apart by tabs; a division stands, indented, below its whole.
# Made by places.py. Of China: codes of GB/T 2260, from jionlp 1.5.31 (Apache-2.0), with former names.
# Of the world: codes of ISO 3166-1 from i18n-iso-countries 7.14.0 (MIT) and of ISO 3166-2 from
# iso-3166 4.4.0 (MIT). A name that more than one country or first-level division has is left out."""

# Also words, people or cities elsewhere, so that alone they say nothing.
AMBIGUOUS = set("""Georgia Victoria Washington Virginia Jordan Chad Jersey Guinea Acre Hidalgo Guerrero
Morelos Punjab North-West Reunion Amazonas Tabasco Colima Durango 苏丹 中非 黑山 马里 泽西 奥兰 多哥""".split())
COUNTRIES_ALSO = {
    "SA": ["沙特"], "ID": ["印度尼西亚"], "CN": ["中华人民共和国", "PRC"], "US": ["美利坚合众国"],
    "GB": ["联合王国", "U.K."], "RU": ["俄罗斯联邦"], "KR": ["大韩民国"], "VN": ["Vietnam"],
    "SY": ["Syria"], "LA": ["Laos"], "BO": ["Bolivia"], "VE": ["Venezuela"], "KP": ["North Korea"],
    "FM": ["Micronesia"], "MD": ["Moldova"], "BN": ["Brunei"], "PS": ["Palestinian Territory"],
}
DIVIDED = ["US", "CA", "AU", "IN", "DE", "BR", "MX", "JP", "ZA"]
NATIONS = {"GB-ENG": "England", "GB-SCT": "Scotland", "GB-WLS": "Wales", "GB-NIR": "Northern Ireland"}
STATES = """AL 阿拉巴马 AK 阿拉斯加 AZ 亚利桑那 AR 阿肯色 CA 加利福尼亚 CO 科罗拉多 CT 康涅狄格 DE 特拉华
FL 佛罗里达 GA 佐治亚 HI 夏威夷 ID 爱达荷 IL 伊利诺伊 IN 印第安纳 IA 艾奥瓦 KS 堪萨斯 KY 肯塔基 LA 路易斯安那
ME 缅因 MD 马里兰 MA 马萨诸塞 MI 密歇根 MN 明尼苏达 MS 密西西比 MO 密苏里 MT 蒙大拿 NE 内布拉斯加 NV 内华达
NH 新罕布什尔 NJ 新泽西 NM 新墨西哥 NY 纽约 NC 北卡罗来纳 ND 北达科他 OH 俄亥俄 OK 俄克拉何马 OR 俄勒冈
PA 宾夕法尼亚 RI 罗得岛 SC 南卡罗来纳 SD 南达科他 TN 田纳西 TX 得克萨斯 UT 犹他 VT 佛蒙特 VA 弗吉尼亚
WA 华盛顿 WV 西弗吉尼亚 WI 威斯康星 WY 怀俄明""".split()
PROVINCES = """Beijing Tianjin Shanghai Chongqing Hebei Shanxi Liaoning Jilin Heilongjiang Jiangsu Zhejiang
Anhui Fujian Jiangxi Shandong Henan Hubei Hunan Guangdong Hainan Sichuan Guizhou Yunnan Shaanxi Gansu
Qinghai Guangxi Tibet Ningxia Xinjiang Taiwan Macao""".split()
PROVINCE_CODES = """110000 120000 310000 500000 130000 140000 210000 220000 230000 320000 330000
340000 350000 360000 370000 410000 420000 430000 440000 460000 510000 520000 530000 610000 620000
630000 450000 540000 640000 650000 710000 820000""".split()
ENGLISH = dict(zip(PROVINCE_CODES, ([name] for name in PROVINCES))) | {
    "150000": ["Inner Mongolia"], "810000": ["Hong Kong"]}


def plain(name):
    return "".join(c for c in unicodedata.normalize("NFD", name) if not unicodedata.combining(c))


def hepburn(name):
    for old, new in [("hu", "fu"), ("si", "shi"), ("ti", "chi"), ("tu", "tsu"), ("zi", "ji")]:
        name = re.sub(old, new, name, flags=re.I) if not name.startswith(("Hu", "Si", "Ti")) else (
            re.sub(old, new, name[0].lower() + name[1:]).capitalize())
    return name


PEOPLES = """壮族 藏族 回族 彝族 苗族 傣族 白族 土家族 布依族 侗族 朝鲜族 哈尼族 傈僳族 景颇族 羌族 蒙古族 蒙古
柯尔克孜 哈萨克 哈萨克族 满族 瑶族 黎族 畲族 佤族 拉祜族 布朗族 纳西族 独龙族 怒族 普米族 仡佬族 水族 土族 撒拉族
裕固族 保安族 东乡族 仫佬族 毛南族 锡伯 塔吉克 达斡尔族 鄂伦春 鄂温克族 各族""".split()


def without_peoples(name):
    """红河哈尼族彝族自治州 without its peoples: 红河."""
    stem, found = re.subn("自治[州县旗]$", "", name)
    while found:
        people = max((p for p in PEOPLES if stem.endswith(p) and len(stem) > len(p) + 1), key=len, default="")
        if not people:
            return stem
        stem = stem[: -len(people)]
    return ""


def former():
    """By present division, as (province, city, county), the names it had."""
    names = {}
    for line in open(change, encoding="utf-8"):
        old, _, new = line.strip().partition("=>")
        old = old.split("\t")[4:]
        new = [part for part in new.split("\t") if part]
        old = [part for part in old if part]
        if len(old) == 2 and len(new) == 2:
            names.setdefault(tuple(new), []).extend(old)
        elif len(old) >= 3 and len(new) == 3:
            city, city_short, county = old[0], old[1], old[2]
            short = old[3] if len(old) > 3 else county
            found = names.setdefault(tuple(new), [])
            if city != new[1]:
                found += [city + county, city_short + county]
            if county != new[2] and county not in ("城区", "郊区", "矿区"):
                found += [county, short]
            elif county != new[2]:
                found += [city + county, city_short + county]
    return names


def china():
    names = former()
    names[("广西壮族自治区", "柳州市")] = ["柳州地区"]
    above = [None, None, None]
    for line in open(location, encoding="utf-8"):
        depth = len(line) - len(line.lstrip("\t"))
        if depth > 2:
            continue
        fields = line.strip().split("\t")
        name, code, short = fields if len(fields) == 3 else (fields[0], None, "")
        above[depth] = (name, code or above[1][1])
        key = tuple(part[0] for part in above[: depth + 1])
        also = [short, without_peoples(name)] + (["内蒙"] if code == "150000" else []) + (ENGLISH[code] if depth == 0 else []) + names.get(key, [])
        # Zones that the statistics bureau lists; their common name serves within their city.
        for zone in ("经济技术开发区", "经济开发区", "高新技术产业开发区"):
            if name.endswith(zone):
                also.append(zone)
        also = list(dict.fromkeys(n for n in also if len(n) > 1 and n != name))
        yield "\t" * depth + "\t".join([above[depth][1], name, ",".join(also)]).rstrip("\t")


def world():
    en = json.load(open(f"{langs}/en.json", encoding="utf-8"))["countries"]
    zh = json.load(open(f"{langs}/zh.json", encoding="utf-8"))["countries"]
    places = {}
    for code, name in en.items():
        if code in ("HK", "MO", "TW"):
            continue
        name = name if isinstance(name, list) else [name]
        name = [n for n in name if "," not in n and "(" not in n]
        chinese = zh.get(code, "")
        chinese = [chinese] if chinese and "（" not in chinese and "、" not in chinese else []
        places[code] = name + chinese + COUNTRIES_ALSO.get(code, [])
    states = dict(zip(STATES[::2], STATES[1::2]))
    entries = re.findall(r"code: '([A-Z0-9-]+)',\s+name: (?:'([^']*)'|\"([^\"]*)\"),\s+parent: '(\w+)'",
                         open(iso, encoding="utf-8").read())
    for code, name, quoted, parent in entries:
        name = name or quoted
        if parent not in DIVIDED or code[3:] in ("AS", "GU", "MP", "PR", "UM", "VI") and parent == "US":
            continue
        name = hepburn(plain(name)) if parent == "JP" else name.split(" (")[0]
        places[code] = [name] + ([plain(name)] if plain(name) != name else [])
        if parent == "US" and code[3:] in states:
            state = states[code[3:]]
            places[code] += [state + "州"] + ([state] if state not in ("华盛顿", "纽约") else [])
    places.update({code: [name] for code, name in NATIONS.items()})
    count = {}
    for names in places.values():
        for name in set(names):
            count[name] = count.get(name, 0) + 1
    for code, names in sorted(places.items()):
        names = [n for n in dict.fromkeys(names) if count[n] == 1 and n not in AMBIGUOUS and n]
        if names:
            yield "\t".join([code, names[0], ",".join(names[1:])]).rstrip("\t")


print(HEAD)
for line in [*china(), *world()]:
    print(line)

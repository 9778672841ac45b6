//! Chinese beyond the suites: variants of what they speak of, and what must hold of any text.

#![allow(clippy::unwrap_used)]

use hadal_corpus::spoken::{Chinese, Conventions, Direction, Lang, Options, rewrite};
use proptest::prelude::*;

fn options(direction: Direction, conventions: Conventions) -> Options {
    Options { conventions, ..Options::new(Lang::Zh, direction) }
}

/// Checks pairs of written and spoken texts, one pair a line, with `>` between them.
fn check(direction: Direction, conventions: Conventions, pairs: &str) {
    for pair in pairs.lines() {
        let (text, expected) = pair.split_once(" > ").unwrap();
        assert_eq!(rewrite(text, &options(direction, conventions)), expected, "{text}");
    }
}

#[test]
fn wetext_to_spoken() {
    check(
        Direction::ToSpoken,
        Conventions::WeText,
        "\
22000 > 两万二千
120000000 > 一亿二千万
1,234.5 > 一千二百三十四点五
007 > 零零七
-1/2 > 负二分之一
30%~40% > 百分之三十到百分之四十
5‰ > 千分之五
2kg > 两千克
100km/h > 一百千米每小时
2月2日2点 > 二月二日两点
9:00-17:00 > 九点到十七点
8:05 PM > 下午八点零五分
3:2 > 三比二
2008.08.08 > 二零零八年八月八日
10年后 > 十年后
1990年代 > 一九九零年代
95后 > 九五后
$1.5万 > 一点五万美元
100USD > 一百美元
010-12345678 > 零幺零幺二三四五六七八
+86 138 1234 5678 > 八六幺三八幺二三四五六七八
拨打120 > 拨打幺二零
120米 > 一百二十米
验证码是458921 > 验证码是四五八九二幺
粤B7K5D2 > 粤B七K五D二
3×4=12 > 三乘四等于十二
10-20人 > 十到二十人
第2名 > 第二名
sql-replica-02 > sql-replica-零二",
    );
}

#[test]
fn wetext_to_written() {
    check(
        Direction::ToWritten,
        Conventions::WeText,
        "\
一亿五 > 1亿5000万
十二万三千 > 12万3000
百分之三四十 > 30~40%
百分之十几 > 百分之十几
一百二十公里每小时 > 120km/h
每秒三十米 > 30m/s
一两百人 > 100~200人
两千零八年八月八号 > 2008/08/08
九八年 > 98年
五六年 > 5~6年
晚上十点半 > 10:30p.m.
二十三点五十九分五十九秒 > 23:59:59
一比一点五 > 1:1.5
三比一比二 > 3:1:2
百万分之一 > 1/1000000
几十万 > 几十万
一块零五 > 1块05
一米七五 > 1.75m
三十七度五 > 37.5度
三米六十 > 3m60
二比三大 > 二比三大
六乘以七等于四十二 > 6×7=42
一百二十三元四角五分 > ¥123.45
三块五 > 3块5
一百九十二点一百六十八点一点一 > 192.168.1.1
粤A幺二三D五 > 粤A123D5
提高三四倍 > 提高3~4倍
十一两黄金 > 11两黄金
进一步提高每一层的质量 > 进一步提高每一层的质量
解一元二次方程 > 解一元二次方程
万一十分高兴 > 万一十分高兴",
    );
}

#[test]
fn nemo_to_spoken() {
    check(
        Direction::ToSpoken,
        Conventions::Nemo,
        "\
2002 > 两千零二
200000000 > 两亿
10000000000000 > 十万亿
99/12/31 > 九九年十二月三十一日
1999-12-31 > 一九九九年十二月三十一日
200 bc > 公元前二零零年
2:05 > 两点五分
12:30am > 十二点三十分am
2又2/3 > 二又三分之二
HK$20 > 二十港元
n b a比赛 > NBA比赛
他说it is ok > 他说it is ok",
    );
}

#[test]
fn nemo_to_written() {
    check(
        Direction::ToWritten,
        Conventions::Nemo,
        "\
三亿五千万 > 350,000,000
一万億 > 1万億
百分之五十六点七 > 56.7%
第五百零二 > 第502
三点零五分二十秒 > 03:05:20
三点半 > 3点半
三小时二十分钟 > 3小时20分钟
公元前二二一年 > 公元前221年
壹仟贰佰叁拾肆圆伍角陆分 > ¥1234.56
一点五亿美元 > US$1.5亿
我在用全球定位系统导航 > 我在用GPS导航
统一一些 > 统一一些",
    );
}

#[test]
fn cleaning() {
    let clean = |text: &str, chinese: Chinese| {
        let options = options(Direction::ToSpoken, Conventions::WeText);
        rewrite(text, &Options { chinese, ..options })
    };
    let default = Chinese::default();
    let all = Chinese {
        half_width: true,
        without_interjections: true,
        without_erhua: true,
        without_punctuation: true,
        tag_unknown: true,
        ..default
    };
    for (text, kept, cleaned) in [
        ("小孩儿的儿子", "小孩儿的儿子", "小孩的儿子"),
        ("呃，ＡＢ", "呃，ＡＢ", "AB"),
        ("花の道。", "花の道。", "花<oov>の</oov>道"),
    ] {
        assert_eq!(clean(text, default), kept);
        assert_eq!(clean(text, all), cleaned);
    }
}

const DIRECTIONS: [Direction; 2] = [Direction::ToSpoken, Direction::ToWritten];
const CONVENTIONS: [Conventions; 2] = [Conventions::Nemo, Conventions::WeText];

/// Long texts of little else than what rules begin with are gone through once, and to their end.
#[test]
fn texts_made_to_be_slow() {
    for unit in ["一", "一点", "1 ", "1.", "1-", "a b ", "1,111", "十到", "一万亿", "京a", "1 + "]
    {
        let text = unit.repeat(20_000);
        for (direction, conventions) in DIRECTIONS.into_iter().zip(CONVENTIONS) {
            assert!(!rewrite(&text, &options(direction, conventions)).is_empty());
        }
    }
}

/// Texts of what rules speak of, in any order, which reach far more of them than letters do.
fn wordy() -> impl Strategy<Value = String> {
    let words = "一 两 三 零 十 百 万 亿 点 分 之 百分之 负 第 元 块 角 年 月 号 半 秒 下午 到 比 加 \
        每 小时 千米 幺 京 a 高 公元前 1 2 08 2008 13501234567 , . - / : ： · % $ HKD km w a.m. + < ~ 儿 の";
    let words: Vec<&str> = words.split_whitespace().chain([" "]).collect();
    prop::collection::vec(prop::sample::select(words), 0..12).prop_map(|words| words.concat())
}

proptest! {
    #[test]
    fn any_text_is_rewritten(text in prop_oneof![wordy(), "\\PC*"]) {
        for direction in DIRECTIONS {
            for conventions in CONVENTIONS {
                rewrite(&text, &options(direction, conventions));
            }
        }
    }

    /// Nothing is written and nothing numbers are said with: every byte stays.
    #[test]
    fn other_text_stays(text in "[的是在有我他来说地着看们那过得自然发现经济 ，。！？（）\u{e9}\n]*") {
        for direction in DIRECTIONS {
            for conventions in CONVENTIONS {
                prop_assert_eq!(&rewrite(&text, &options(direction, conventions)), &text);
            }
        }
    }
}

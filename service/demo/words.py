"""Words that the demonstration feed is written with: names, streets, scopes, offices. All of it is made up.

Brands are three characters of `BRAND`, so that brand and trade number 27,000 names a trade before one repeats;
people carry a surname and two given characters. Districts are the counties of Liaoning in force since before 2016
(`districts.csv`, from the CC0 table areacodes).
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True, kw_only=True)
class District:
    """A county of Liaoning: its GB/T 2260 code, its city and its own name."""

    code: str
    city: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """A line of business: how it reads in a name, its scope, and its code of GB/T 4754-2017."""

    word: str
    scope: str
    industry_code: str


@cache
def districts() -> tuple[District, ...]:
    """Return the counties that organizations of the feed are registered in."""
    with files("service.demo").joinpath("districts.csv").open("r", encoding="utf-8") as table:
        rows = csv.DictReader(table)
        return tuple(District(code=row["code"], city=row["city"], title=row["district"]) for row in rows)


BRAND = "安邦博昌辰诚达东恒宏华汇佳嘉金锦凯康坤隆茂盛顺泰腾天万祥鑫兴"
SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
GIVEN = "伟芳娜秀英敏静丽强磊军洋勇艳杰娟涛明超兰霞平刚桂文辉力健俊帆婷宇晨雪琳晶欣怡志海波宁国庆建华"
STREETS = (
    "中山路",
    "建设大街",
    "人民路",
    "解放路",
    "和平街",
    "青年大街",
    "文化路",
    "滨河路",
    "新华街",
    "长江路",
    "黄河大街",
    "友谊街",
    "胜利路",
    "光明街",
    "兴工街",
    "迎宾路",
)

TRADES = (
    Trade(word="科技", scope="技术开发、技术咨询、技术转让、技术服务；计算机软硬件销售", industry_code="7519"),
    Trade(word="商贸", scope="日用百货、服装鞋帽、文化用品批发、零售", industry_code="5211"),
    Trade(word="机械制造", scope="通用机械设备及配件制造、加工、销售", industry_code="3599"),
    Trade(word="餐饮管理", scope="餐饮服务；餐饮管理咨询；预包装食品销售", industry_code="6210"),
    Trade(word="物流", scope="道路普通货物运输；仓储服务；国内货运代理", industry_code="5430"),
    Trade(word="建筑工程", scope="房屋建筑工程、市政工程、装饰装修工程施工", industry_code="4710"),
    Trade(word="农业发展", scope="谷物、蔬菜种植及销售；农业技术推广服务", industry_code="0111"),
    Trade(word="信息技术", scope="信息系统集成服务；数据处理；软件开发", industry_code="6510"),
    Trade(word="医疗器械", scope="第一类、第二类医疗器械批发、零售", industry_code="5154"),
    Trade(word="环保工程", scope="环保工程设计、施工；环保设备研发、销售", industry_code="7721"),
    Trade(word="文化传媒", scope="组织文化艺术交流活动；设计、制作、代理、发布国内各类广告", industry_code="7251"),
    Trade(word="水产养殖", scope="海水、淡水产品养殖、加工、销售", industry_code="0411"),
)

ASSOCIATIONS = (
    "摄影协会",
    "乒乓球协会",
    "书法家协会",
    "志愿者协会",
    "餐饮行业协会",
    "养老服务中心",
    "职业培训学校",
    "幼儿园",
    "社区服务中心",
    "助学基金会",
)
ASSOCIATION_SCOPE = "开展行业交流、业务培训、公益服务、咨询服务"
INSTITUTIONS = (
    "图书馆",
    "中心医院",
    "第二高级中学",
    "实验小学",
    "疾病预防控制中心",
    "农业技术推广站",
    "文化馆",
    "公共资源交易中心",
    "水文局",
    "档案馆",
)
INSTITUTION_SCOPE = "承担本辖区内的公共服务和事务性、技术性工作"

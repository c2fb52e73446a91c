from __future__ import annotations

import pytest

from sync.masking import mask, mask_record
from validators.fields import PERSONAL, Personal


@pytest.mark.parametrize(
    ("value", "kind", "shown"),
    [
        ("210102198001011234", "id_number", "210***********1234"),
        ("210102800101123", "id_number", "210********1123"),
        ("E12345678", "id_number", "E*******8"),
        ("AB", "id_number", "**"),
        ("13812345678", "phone", "138****5678"),
        ("024-12345678", "phone", "024*****5678"),
        ("12345678", "phone", "1******8"),
        ("zhang.san@example.org", "phone", "z***@example.org"),
        ("张三", "person_name", "张*"),
        ("欧阳示例", "person_name", "欧***"),
        ("张", "person_name", "张*"),
    ],
)
def test_a_personal_value_is_shown_in_part_and_masks_to_itself(value: str, kind: Personal, shown: str) -> None:
    assert mask(value, kind) == shown
    assert mask(shown, kind) == shown


def test_only_personal_fields_of_a_record_are_masked() -> None:
    record = {
        "name": "示例公司",
        "legal_representative_name": "张三",
        "contact_name": "李四",
        "contact_phone": "13812345678",
    }

    assert set(PERSONAL) == {"legal_representative_id_number", "contact_phone", "contact_name"}
    assert mask_record(record) == {**record, "contact_name": "李*", "contact_phone": "138****5678"}

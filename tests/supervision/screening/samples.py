"""Lists in their published formats; everyone on them is invented for these tests."""

from __future__ import annotations

import base64
import json

UN = """<?xml version="1.0" encoding="UTF-8"?>
<CONSOLIDATED_LIST xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
    dateGenerated="2026-02-20T16:02:14.234-05:00">
  <INDIVIDUALS>
    <INDIVIDUAL>
      <DATAID>9000001</DATAID><VERSIONNUM>1</VERSIONNUM>
      <FIRST_NAME>QASIM</FIRST_NAME><SECOND_NAME>INVENTED</SECOND_NAME>
      <THIRD_NAME>ZARGUN</THIRD_NAME>
      <UN_LIST_TYPE>Test</UN_LIST_TYPE><REFERENCE_NUMBER>TSi.001</REFERENCE_NUMBER>
      <LISTED_ON>2015-03-23</LISTED_ON>
      <NAME_ORIGINAL_SCRIPT>قاسم زرغون</NAME_ORIGINAL_SCRIPT>
      <COMMENTS1>Father’s name is Daud Zargun. Invented.</COMMENTS1>
      <NATIONALITY><VALUE>Pakistan</VALUE></NATIONALITY>
      <LIST_TYPE><VALUE>UN List</VALUE></LIST_TYPE>
      <INDIVIDUAL_ALIAS><QUALITY>Good</QUALITY><ALIAS_NAME>Kasem Zarghun</ALIAS_NAME>
      </INDIVIDUAL_ALIAS>
      <INDIVIDUAL_ALIAS><QUALITY>Low</QUALITY><ALIAS_NAME>Grey Owl</ALIAS_NAME></INDIVIDUAL_ALIAS>
      <INDIVIDUAL_ADDRESS><COUNTRY>Pakistan</COUNTRY></INDIVIDUAL_ADDRESS>
      <INDIVIDUAL_DATE_OF_BIRTH><TYPE_OF_DATE>EXACT</TYPE_OF_DATE><DATE>1971-04-05</DATE>
      </INDIVIDUAL_DATE_OF_BIRTH>
      <INDIVIDUAL_DATE_OF_BIRTH><TYPE_OF_DATE>BETWEEN</TYPE_OF_DATE>
        <FROM_YEAR>1973</FROM_YEAR><TO_YEAR>1975</TO_YEAR></INDIVIDUAL_DATE_OF_BIRTH>
      <INDIVIDUAL_PLACE_OF_BIRTH><CITY>Nowhere</CITY></INDIVIDUAL_PLACE_OF_BIRTH>
      <INDIVIDUAL_DOCUMENT><TYPE_OF_DOCUMENT>Passport</TYPE_OF_DOCUMENT>
        <NUMBER>ZZ1234567</NUMBER><ISSUING_COUNTRY>Pakistan</ISSUING_COUNTRY></INDIVIDUAL_DOCUMENT>
      <INDIVIDUAL_DOCUMENT><TYPE_OF_DOCUMENT>National Identification Number</TYPE_OF_DOCUMENT>
        <NUMBER>35202-1928374-5</NUMBER></INDIVIDUAL_DOCUMENT>
    </INDIVIDUAL>
  </INDIVIDUALS>
  <ENTITIES>
    <ENTITY>
      <DATAID>9000002</DATAID><FIRST_NAME>INVENTED RELIEF TRUST OF NOWHERE</FIRST_NAME>
      <UN_LIST_TYPE>Test</UN_LIST_TYPE><REFERENCE_NUMBER>TSe.002</REFERENCE_NUMBER>
      <LISTED_ON>2016-01-01</LISTED_ON>
      <ENTITY_ALIAS><QUALITY>a.k.a.</QUALITY><ALIAS_NAME>IRTN</ALIAS_NAME></ENTITY_ALIAS>
      <ENTITY_ADDRESS><CITY>Nowhere</CITY><COUNTRY>Pakistan</COUNTRY></ENTITY_ADDRESS>
    </ENTITY>
  </ENTITIES>
</CONSOLIDATED_LIST>
"""

NACTA_ROWS = [
    {
        "name": "Tariq Zargun @ Tara @ Tariq Invented",
        "fatherName": "Daud Zargun",
        "cnic": "61101-8273645-3",
        "province": "Punjab",
        "district": "Lahore",
    },
    {
        "name": "Yousaf Nowhere",
        "fatherName": "Anwar Nowhere",
        "cnic": "00000-0000000-0",
        "province": "Sindh",
        "district": "Karachi",
    },
    {
        "name": "Zubair Elsewhere",
        "fatherName": "Karim Elsewhere",
        "cnic": "31303-5550005-1",
        "province": "Punjab",
        "district": "Multan",
    },
    {
        "name": "Haroon Otherwise",
        "fatherName": "Latif Otherwise",
        "cnic": "31303-5550005-1",
        "province": "Balochistan",
        "district": "Quetta",
    },
]
"""Two entries share a number: a placeholder that looks like none."""

OFAC_XML = """<?xml version="1.0" standalone="yes"?>
<sdnList xmlns="https://sanctionslistservice.ofac.treas.gov/api/PublicationPreview/exports/XML">
  <publshInformation><Publish_Date>02/18/2026</Publish_Date><Record_Count>3</Record_Count>
  </publshInformation>
  <sdnEntry>
    <uid>90001</uid><firstName>Invented</firstName><lastName>PERSON</lastName>
    <sdnType>Individual</sdnType><programList><program>TEST</program></programList>
    <idList>
      <id><uid>1</uid><idType>Digital Currency Address - XBT</idType>
        <idNumber>1InventedAddressForTests11111111</idNumber></id>
      <id><uid>2</uid><idType>Passport</idType><idNumber>AB7654321</idNumber>
        <idCountry>Pakistan</idCountry></id>
    </idList>
    <akaList><aka><uid>3</uid><type>a.k.a.</type><category>weak</category>
      <lastName>THE INVENTOR</lastName></aka></akaList>
    <nationalityList><nationality><uid>4</uid><country>Pakistan</country></nationality>
    </nationalityList>
    <dateOfBirthList><dateOfBirthItem><uid>5</uid><dateOfBirth>05 Apr 1971</dateOfBirth>
    </dateOfBirthItem></dateOfBirthList>
  </sdnEntry>
  <sdnEntry><uid>90002</uid><lastName>INVENTED TRADING COMPANY</lastName><sdnType>Entity</sdnType>
  </sdnEntry>
  <sdnEntry><uid>90003</uid><lastName>INVENTED SHIP</lastName><sdnType>Vessel</sdnType></sdnEntry>
</sdnList>
"""

OFAC_CSV = (
    '90001,"PERSON, Invented","individual","TEST",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,'
    "\"DOB 05 Apr 1971; nationality Pakistan; Passport AB7654321 (Pakistan); alt. name 'NOBODY, At "
    "All'; Digital Currency Address - XBT 1InventedAddressForTests11111111.\"\r\n"
    '90002,"INVENTED TRADING COMPANY",-0- ,"TEST",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- \r\n'
    '90003,"INVENTED SHIP","vessel","TEST",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- \r\n\x1a'
)

WALLETS = (
    "network,address,name,reference,listed_on\n"
    "ethereum,0xAbCdEf0123456789aBcDeF0123456789AbCdEf01,Invented mixer,W-1,2026-01-05\n"
    "bitcoin,1InventedAddressForTests22222222,,,\n"
)

ENTITIES = "\n".join(
    json.dumps(one)
    for one in (
        {
            "id": "t-1",
            "schema": "Person",
            "properties": {
                "name": ["Invented Minister"],
                "topics": ["role.pep"],
                "birthDate": ["1960"],
                "country": ["pk"],
            },
        },
        {
            "id": "t-2",
            "schema": "Person",
            "properties": {"name": ["Invented Sister"], "topics": ["role.rca"]},
        },
        {"id": "t-3", "schema": "Occupancy", "properties": {"holder": ["t-1"]}},
        {
            "id": "t-4",
            "schema": "Company",
            "properties": {"name": ["Invented Holding Limited"], "topics": ["poi"]},
        },
    )
)


def nacta(rows: list[dict[str, str]] = NACTA_ROWS) -> bytes:
    """Rows as the file of NACTA's list."""
    return json.dumps(rows, ensure_ascii=False).encode()


def encoded(content: bytes | str) -> str:
    """A file as the act takes it."""
    return base64.b64encode(content.encode() if isinstance(content, str) else content).decode()

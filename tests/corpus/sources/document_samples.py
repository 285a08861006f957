"""Content of a small document of each format, with an entry of each kind."""

from __future__ import annotations

import polib

# as in the catalogs of Django (BSD-3-Clause), with one entry of each kind
PO = r"""# This file is distributed under the same license as the Django package.
#
# Translators:
msgid ""
msgstr ""
"Project-Id-Version: django\n"
"Language: es\n"
"MIME-Version: 1.0\n"
"Content-Type: text/plain; charset=UTF-8\n"
"Content-Transfer-Encoding: 8bit\n"
"Plural-Forms: nplurals=3; plural=n == 1 ? 0 : n != 0 && n % 1000000 == 0 ? 1 : 2;\n"

#: contrib/admin/actions.py:17
#, python-format
msgid "Delete selected %(verbose_name_plural)s"
msgstr "Eliminar %(verbose_name_plural)s seleccionado/s"

#. Translators: a long text
msgid ""
"First line\n"
"and \"second\""
msgstr ""
"Primera línea\n"
"y «segunda»"

msgctxt "abbrev. month"
msgid "May"
msgstr "May."

#, python-format
msgid "%(counter)s result"
msgid_plural "%(counter)s results"
msgstr[0] "%(counter)s resultado"
msgstr[1] "%(counter)s resultados"
msgstr[2] "%(counter)s de resultados"

#, fuzzy
msgid "Unfinished"
msgstr "Sin…"

msgid "Later"
msgstr ""

#~ msgid "Obsolete"
#~ msgstr "Obsoleto"
"""
PO_TEXTS = [
    ("Delete selected %(verbose_name_plural)s", "Eliminar %(verbose_name_plural)s seleccionado/s"),
    ('First line\nand "second"', "Primera línea\ny «segunda»"),
    ("May", "May."),
    ("%(counter)s result", "%(counter)s resultado"),
    ("%(counter)s results", "%(counter)s de resultados"),
    ("Later", ""),
]
STRINGS = r"""<?xml version="1.0" encoding="utf-8"?>
<!-- Made by hand -->
<resources xmlns:xliff="urn:oasis:names:tc:xliff:document:1.2">
    <string name="panic">Don\'t <b>panic</b>,
        <xliff:g id="name" example="Ford">%1$s</xliff:g>\u0021</string>
    <string name="quoted">"  two  blanks  "</string>
    <string name="cdata"><![CDATA[<a href=\"x\">here</a>]]></string>
    <string name="id" translatable="false">a-b</string>
    <string name="other">@string/panic</string>
    <plurals name="files">
        <item quantity="one">a file</item>
        <item quantity="other">%d files</item>
    </plurals>
    <string-array name="days"><item>Monday</item><item>Tuesday</item></string-array>
</resources>
"""
TMX = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE tmx SYSTEM "tmx14.dtd">
<tmx version="1.4">
  <header creationtool="x" segtype="sentence" o-tmf="x" adminlang="en" srclang="en" datatype="x"/>
  <body>
    <tu tuid="1">
      <note>A greeting</note>
      <tuv xml:lang="EN-US">
        <seg>Hello <bpt i="1">&lt;b></bpt>big<ept i="1">&lt;/b></ept> %s</seg>
      </tuv>
      <tuv xml:lang="es">
        <prop type="x">y</prop><seg>Hola, <hi>gran</hi> <ph x="1">%s</ph></seg>
      </tuv>
    </tu>
    <tu><tuv xml:lang="en"><seg>One</seg></tuv><tuv xml:lang="fr"><seg>Un</seg></tuv></tu>
    <tu>
      <tuv lang="es"><seg>Dos &amp; tres</seg></tuv>
      <tuv lang="en"><seg>Two &amp; three</seg></tuv>
    </tu>
  </body>
</tmx>
"""
TMX_PAIRS = [("Hello big %s", "Hola, gran %s"), ("Two & three", "Dos & tres")]
# in the form of the catalogs of Symfony's validator
XLIFF = """<?xml version="1.0"?>
<xliff version="1.2" xmlns="urn:oasis:names:tc:xliff:document:1.2">
  <file source-language="en" target-language="es" datatype="plaintext" original="file.ext">
    <body>
      <trans-unit id="0" restype="x-gettext-domain-header">
        <source>Language: es</source><target>Language: es</target>
      </trans-unit>
      <trans-unit id="1">
        <source>This value should be true.</source>
        <target>Este valor debería ser verdadero.</target>
      </trans-unit>
      <group><trans-unit id="2">
        <source>At <g id="1">least</g> <x id="N" equiv-text="{{ limit }}"/> <x id="M"/></source>
        <alt-trans><target>no</target></alt-trans>
        <target>Al <g id="1">menos</g> <x id="N" equiv-text="{{ limit }}"/> <x id="M"/></target>
      </trans-unit></group>
      <trans-unit id="3">
        <source>New</source><target state="needs-translation">New</target>
      </trans-unit>
      <trans-unit id="4"><source>Later</source></trans-unit>
      <trans-unit id="5" translate="no"><source>ID</source><target>ID</target></trans-unit>
    </body>
  </file>
</xliff>
"""
XLIFF_PAIRS = [
    ("This value should be true.", "Este valor debería ser verdadero."),
    ("At least {{ limit }} {M}", "Al menos {{ limit }} {M}"),
]
XLIFF_2 = """<xliff version="2.1" srcLang="en" trgLang="es"
 xmlns="urn:oasis:names:tc:xliff:document:2.0">
 <file id="f"><group id="g"><unit id="1">
  <originalData><data id="d">%s</data></originalData>
  <segment><source>Hi <ph id="1" dataRef="d"/>, <pc id="2">you</pc>.</source>
   <target>Hola <ph id="1" dataRef="d"/>, <pc id="2">tú</pc>.</target></segment>
  <ignorable><source> </source></ignorable>
  <segment state="final"><source>Two.</source><target>Dos.</target></segment>
  <segment><source>Later.</source></segment>
 </unit></group></file>
</xliff>
"""
XLIFF_2_PAIRS = [("Hi %s, you.", "Hola %s, tú."), ("Two.", "Dos.")]


def compiled(text: str) -> bytes:
    return bytes(polib.pofile(text).to_binary())

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('registry', '0001_initial'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='auditentry',
            options={'base_manager_name': 'objects', 'ordering': ['-at', '-pk'], 'verbose_name': '操作记录', 'verbose_name_plural': '操作记录'},
        ),
        migrations.AlterField(
            model_name='auditentry',
            name='noun',
            field=models.CharField(blank=True, max_length=20, verbose_name='对象类型'),
        ),
        migrations.AddField(
            model_name='auditentry',
            name='undoes',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='undone_by', to='registry.auditentry', verbose_name='还原的记录'),
        ),
        migrations.AddIndex(
            model_name='auditentry',
            index=models.Index(fields=['at'], name='auditentry_at'),
        ),
        migrations.CreateModel(
            name='AuditSeal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveBigIntegerField(unique=True, verbose_name='封存编号')),
                ('made_at', models.DateTimeField(verbose_name='封存时间')),
                ('count', models.PositiveIntegerField(verbose_name='条数')),
                ('previous', models.CharField(max_length=64, verbose_name='前一封存的校验值')),
                ('digest', models.CharField(max_length=64, verbose_name='校验值')),
            ],
            options={
                'verbose_name': '记录封存',
                'verbose_name_plural': '记录封存',
                'ordering': ['number'],
                'abstract': False,
                'base_manager_name': 'objects',
            },
        ),
        migrations.CreateModel(
            name='SealedEntry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('place', models.PositiveIntegerField(verbose_name='次序')),
                ('digest', models.CharField(max_length=64, verbose_name='校验值')),
                ('entry', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='sealed', to='registry.auditentry', verbose_name='记录')),
                ('seal', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='entries', to='registry.auditseal', verbose_name='封存')),
            ],
            options={
                'verbose_name': '已封存的记录',
                'verbose_name_plural': '已封存的记录',
                'abstract': False,
                'base_manager_name': 'objects',
                'constraints': [models.UniqueConstraint(fields=('seal', 'place'), name='sealedentry_place')],
            },
        ),
    ]
